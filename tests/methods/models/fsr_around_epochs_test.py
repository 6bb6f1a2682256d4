"""The order of what happens around epochs, seen by a model that only keeps a list."""

from ieg_fsr.methods.models.fsr import FSR


class Listener:
    def __init__(self):
        self.heard = []
        self.reweighting = False
        self.mean_weights = self
        self.last_weights = "weights"

    def update(self, weights):
        self.heard.append(("mean of", weights))

    def set_epoch(self, epoch):
        self.heard.append(("phase", epoch))

    def renew_dictionary(self, epoch):
        self.heard.append(("dictionary for", epoch))

    def keep_dictionary(self, epoch):
        self.heard.append(("dictionary of", epoch))


def test_dictionary_is_there_before_the_first_epoch_and_renewed_after_each():
    model = Listener()
    callback = FSR.around_epochs(model, 3, 0, 0)
    callback.on_train_begin(None)
    for epoch in (3, 4):
        callback.on_epoch_begin(epoch, None)
        callback.on_epoch_end(epoch, None)
    assert model.heard == [
        ("dictionary for", 3),
        ("phase", 3),
        ("dictionary for", 4),
        ("phase", 4),
        ("dictionary for", 5),
    ]


def test_within_an_epoch_the_dictionary_is_that_of_the_checkpoint():
    model = Listener()
    callback = FSR.around_epochs(model, 3, 2, 0)
    callback.on_train_begin(None)
    for epoch in (3, 4):
        callback.on_epoch_begin(epoch, None)
        callback.on_epoch_end(epoch, None)
    assert model.heard == [
        ("dictionary of", 3),
        ("phase", 3),
        ("dictionary for", 4),
        ("phase", 4),
        ("dictionary for", 5),
    ]


def test_the_mean_takes_in_the_weights_of_epochs_of_re_weighting_only():
    model = Listener()
    callback = FSR.around_epochs(model, 0, 0, 0)
    callback.on_epoch_end(0, None)
    model.reweighting = True
    callback.on_epoch_end(1, None)
    assert model.heard == [("dictionary for", 1), ("mean of", "weights"), ("dictionary for", 2)]
