"""The order of what happens around epochs, seen by a model that only keeps a list."""

from ieg_fsr.methods.dictionary_callback import DictionaryCallback


class Listener:
    def __init__(self):
        self.heard = []

    def set_epoch(self, epoch):
        self.heard.append(("phase", epoch))

    def renew_dictionary(self, epoch):
        self.heard.append(("dictionary for", epoch))


def test_dictionary_is_there_before_the_first_epoch_and_renewed_after_each():
    callback, model = DictionaryCallback(initial_epoch=3), Listener()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in (3, 4):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch)
    assert model.heard == [
        ("dictionary for", 3),
        ("phase", 3),
        ("dictionary for", 4),
        ("phase", 4),
        ("dictionary for", 5),
    ]
