"""FSR: sample weights from a dictionary of trusted training examples (Zhang & Pfister, ICCV 2021, Algorithm 1).

One step, in the numbers that `FSR.train_step` marks:

1. Augment the batch and mix pairs of samples.
2. Forward it once through the shared network: features h and logits z = h W + c.
3. Draw a class-balanced reward batch from the dictionary and take its features, without gradient.
4. Look ahead: move W, c by one virtual step of momentum SGD with uniform weights.
5. The gradient of the reward loss there by each sample's weight, with its sign turned and clipped, is the new weight.
6. Update all parameters with the weighted losses and p times the mean loss against the pseudo labels.
7. Score each sample around the lookahead; keep a running mean of the scores.
8. Keep a running mean of each sample's logits: its pseudo label.
9. After the epoch the best-scored examples of each class become the dictionary.

For the first E epochs the weights stay uniform and steps 3 and 5 are left out.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline import Examples
from ieg_fsr.errors import UserError
from ieg_fsr.methods.dictionary_callback import DictionaryCallback
from ieg_fsr.methods.label_report import LabelReport, label_report
from ieg_fsr.methods.supervised import REWARD_STREAM, Batch, Supervised
from ieg_fsr.reweighting.dictionary import RewardDictionary, select_members
from ieg_fsr.reweighting.lookahead import LookaheadWeights, lookahead_step, lookahead_weights
from ieg_fsr.reweighting.pseudo_labels import PseudoLabelTable
from ieg_fsr.reweighting.pushers import PUSHERS, PusherInputs
from ieg_fsr.reweighting.reward_features import ForwardFeatures, HistoryFeatures
from ieg_fsr.reweighting.weight_constraints import WEIGHT_CONSTRAINTS

REWARD_FEATURES = ("forward", "history")


class FSR(Supervised):
    """Trains a classifier on labels that may be wrong, or on rare classes, and learns a weight for every sample.

    `fit` takes `ieg_fsr.examples(x, y)`: batches must carry a dense example id, and the dictionary fetches its members.
    """

    def __init__(
        self,
        classifier: keras.Model,
        num_examples: int,
        dictionary_size: int = 2000,
        *,
        reward_batch_size: int = 200,
        reward_features: str = "forward",
        reward_interval: int = 4,
        pusher: str = "lookahead",
        score_momentum: float = 0.9,
        lookahead_learning_rate: float = 0.1,
        lookahead_momentum: float = 0.9,
        weight_constraint: str = "clip",
        reweight_warmup_epochs: int = 20,
        label_momentum: float = 0.1,
        pseudo_label_loss_weight: float = 2.0,
        lookahead_losses: bool = False,
        mixup_alpha: float = 1.0,
        **supervised: Any,
    ) -> None:
        """Wraps a classifier, whose variables it shares.

        Args:
            classifier: built Functional or Sequential model that ends in Dense logits.
            num_examples: N, size of the training set; example ids are 0..N-1.
            dictionary_size: |R|, 1..N.
            reward_batch_size: q, spread over the classes as evenly as it goes.
            reward_features: "forward" (of augmented dictionary images) or "history" (features left by training).
            reward_interval: steps between two forwards, for "forward".
            pusher: what scores a sample, one of `PUSHERS`.
            score_momentum: lambda.
            lookahead_learning_rate: eta.
            lookahead_momentum: mu, share of the Dense layer's momentum in the lookahead; 0 leaves it out.
            weight_constraint: "clip" for wrong labels, "shift" for rare classes.
            reweight_warmup_epochs: E, epochs of uniform weights before re-weighting starts.
            label_momentum: beta.
            pseudo_label_loss_weight: p; 0 leaves the loss out.
            lookahead_losses: whether to keep each example's own-label losses before and after the lookahead.
            mixup_alpha: Beta parameter of MixUp; 0 for no MixUp.
            **supervised: see `Supervised`.

        Raises:
            UserError: an argument is out of range, or the classifier does not end in Dense logits.
        """
        super().__init__(classifier, mixup_alpha=mixup_alpha, **supervised)
        _check("sample_loss", self.sample_loss, self.sample_loss is None, "None: FSR looks ahead with cross-entropy")
        _check("pusher", pusher, pusher in PUSHERS, f"one of {', '.join(PUSHERS)}")
        _check("reward_features", reward_features, reward_features in REWARD_FEATURES, "forward or history")
        _check("weight_constraint", weight_constraint, weight_constraint in WEIGHT_CONSTRAINTS, "clip or shift")
        _check("dictionary_size", dictionary_size, 1 <= dictionary_size <= num_examples, f"in 1..{num_examples}")
        _check("reward_batch_size", reward_batch_size, reward_batch_size >= 1, "at least 1")
        _check("reward_interval", reward_interval, reward_interval >= 1, "at least 1")
        self.num_examples, self.reward_batch_size = num_examples, reward_batch_size
        self.reward_features, self.reward_interval = reward_features, reward_interval
        self.pusher = PUSHERS[pusher]
        self.lookahead_learning_rate, self.lookahead_momentum = lookahead_learning_rate, lookahead_momentum
        self.weight_constraint, self.reweight_warmup_epochs = weight_constraint, reweight_warmup_epochs
        self.pseudo_label_loss_weight = pseudo_label_loss_weight
        self.reweighting = False
        self.scores = self.pusher.table(num_examples, score_momentum)
        self.pseudo_labels = PseudoLabelTable(num_examples, self.num_classes, label_momentum)
        self.dictionary = RewardDictionary(dictionary_size, self.num_classes)
        self.reward = self._reward_source()
        # Weight of each example when it was last trained on, relative to uniform.
        self.last_weights = tf.Variable(tf.ones([num_examples]), trainable=False, name="last_weights")
        if lookahead_losses:
            # Before and after the step; NaN until the first visit.
            self.last_losses = tf.Variable(
                tf.fill([num_examples, 2], float("nan")), trainable=False, name="last_losses"
            )
        # Momentum of the Dense layer in gradient units, acc <- mu acc + g: independent of the optimizer's own units.
        self.accumulators = [
            tf.Variable(tf.zeros(variable.shape), trainable=False, name=f"{variable.name}_accumulator")
            for variable in self._head_variables()
        ]
        self.training_examples: Examples | None = None

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of Algorithm 1, numbered as above."""
        batch = self.prepare(data)  # 1
        reward = self.draw_reward()  # 3
        with tf.GradientTape() as tape:
            features, logits = self.forward(batch.images)  # 2
            losses = self.sample_losses(batch, logits)
            with tape.stop_recording():
                lookahead = self.look_ahead(features, batch.targets, reward)  # 4, 5
                self.push_scores(batch, features, losses, lookahead)  # 7
            loss = self.weighted_loss(losses, lookahead.sample_weights)  # 6
            loss += self.pseudo_label_loss(batch, logits)
        self.accumulate(self.update(tape, loss))
        self.remember(batch, features, logits, lookahead.sample_weights)  # 8
        return self.measure(batch, logits, loss)

    def draw_reward(self) -> tuple[tf.Tensor, tf.Tensor] | None:
        """Step 3: features [Q, D] and targets [Q, C] of a class-balanced draw; nothing during warm-up."""
        if not self.reweighting:
            return None
        features, labels = self.reward.batch(self.step_seed(REWARD_STREAM))
        return features, self.targets_of(labels)

    def look_ahead(
        self, features: tf.Tensor, targets: tf.Tensor, reward: tuple[tf.Tensor, tf.Tensor] | None
    ) -> LookaheadWeights:
        """Steps 4 and 5: the Dense layer after a virtual step, and what the reward loss there says of each sample."""
        features = tf.cast(features, tf.float32)
        settings = {
            "lookahead_learning_rate": self.lookahead_learning_rate,
            "lookahead_momentum": self.lookahead_momentum,
            "weight_decay": self.weight_decay,
        }
        layer = (*self._dense_layer(), *self._accumulator_values())
        if reward is not None:
            return lookahead_weights(
                features, targets, *reward, *layer, weight_constraint=self.weight_constraint, **settings
            )
        batch_size = tf.shape(features)[0]
        uniform = tf.fill([batch_size], 1.0 / tf.cast(batch_size, tf.float32))
        return LookaheadWeights(
            uniform, tf.zeros_like(uniform), *lookahead_step(uniform, features, targets, *layer, **settings)
        )

    def push_scores(self, batch: Batch, features: tf.Tensor, losses: tf.Tensor, lookahead: LookaheadWeights) -> None:
        """Step 7: moves the scores of the batch."""
        unmixed_features = None
        if self.pusher.needs_unmixed_features:
            unmixed_features = self.frozen_features(batch.unmixed_images)
        inputs = PusherInputs(
            losses,
            tf.cast(features, tf.float32),
            unmixed_features,
            tf.one_hot(batch.given_labels, self.num_classes),
            *self._dense_layer(),
            lookahead.lookahead_kernel,
            lookahead.lookahead_bias,
        )
        self.scores.update(batch.example_ids, self.pusher.score(inputs))
        if self.last_losses is not None:
            before_and_after = [-PUSHERS[name].score(inputs) for name in ("negative_loss", "lookahead")]
            self.last_losses.scatter_nd_update(batch.example_ids[:, tf.newaxis], tf.stack(before_and_after, axis=1))

    def weighted_loss(self, losses: tf.Tensor, sample_weights: tf.Tensor) -> tf.Tensor:
        """Step 6, first term: sum of weight times loss, the weights being constants."""
        return tf.reduce_sum(tf.stop_gradient(sample_weights) * losses)

    def pseudo_label_loss(self, batch: Batch, logits: tf.Tensor) -> tf.Tensor | float:
        """Step 6, second term: p times the mean loss against the pseudo labels; nothing during warm-up."""
        if not self.reweighting or not self.pseudo_label_loss_weight:
            return 0.0
        targets = tf.stop_gradient(self.pseudo_labels.targets(batch.example_ids))
        losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
        return self.pseudo_label_loss_weight * tf.reduce_mean(losses)

    def accumulate(self, gradients: list[tf.Tensor]) -> None:
        """Keeps the Dense layer's momentum: acc <- mu acc + g of the real update."""
        by_variable = {
            id(variable): gradient
            for variable, gradient in zip(self.classifier.trainable_variables, gradients, strict=True)
        }
        for accumulator, variable in zip(self.accumulators, self._head_variables(), strict=True):
            accumulator.assign(self.lookahead_momentum * accumulator + by_variable[id(variable)])

    def remember(self, batch: Batch, features: tf.Tensor, logits: tf.Tensor, sample_weights: tf.Tensor) -> None:
        """Step 8, and what the reward source and the reports keep of the batch."""
        self.pseudo_labels.update(batch.example_ids, logits)
        self.reward.observe(batch.example_ids, tf.cast(features, tf.float32))
        relative_weights = sample_weights * tf.cast(tf.size(sample_weights), tf.float32)
        self.last_weights.scatter_nd_update(batch.example_ids[:, tf.newaxis], relative_weights)

    def frozen_features(self, images: tf.Tensor) -> tf.Tensor:
        """Features [B, D] with the batch's own batch-norm statistics; moving averages stay as they are, no gradient."""
        network = self.shared_network
        trainable = [tf.convert_to_tensor(variable) for variable in network.trainable_variables]
        others = [tf.convert_to_tensor(variable) for variable in network.non_trainable_variables]
        features, _ = network.stateless_call(trainable, others, images, training=True)
        return tf.stop_gradient(tf.cast(features, tf.float32))

    def fit(self, x: Any = None, *args: Any, callbacks: list | None = None, **kwargs: Any) -> keras.callbacks.History:
        """`keras.Model.fit` on `ieg_fsr.examples(...)`; renews the dictionary at the end of every epoch."""
        if not isinstance(x, Examples):
            raise UserError(f"FSR.fit takes ieg_fsr.examples(x, y), which carry ids. Received: {type(x).__name__}")
        if len(x.source) != self.num_examples:
            raise UserError(f"num_examples must be that of the data, {len(x.source)}. Received: {self.num_examples}")
        self.training_examples = x
        dictionary = DictionaryCallback(kwargs.get("initial_epoch", 0))
        return super().fit(x, *args, callbacks=[dictionary, *(callbacks or [])], **kwargs)

    def renew_dictionary(self, epoch: int) -> None:
        """Step 9: the best-scored examples of each class become the dictionary. Args: epoch: the one that follows."""
        examples = self._examples()
        rng = np.random.default_rng([self.seed, epoch])
        members = select_members(self.scores.read(), examples.given_labels, self.dictionary.size, self.num_classes, rng)
        self.dictionary.assign(members, examples.given_labels[members])
        if epoch >= self.reweight_warmup_epochs:
            self.reward.renew(examples.member_images(epoch), tf.constant([self.seed, epoch], tf.int32))

    def set_epoch(self, epoch: int) -> None:
        """Switches re-weighting on or off for an epoch; a switch traces the train function anew."""
        reweighting = epoch >= self.reweight_warmup_epochs
        if reweighting != self.reweighting:
            self.reweighting = reweighting
            self.make_train_function(force=True)

    def checkpoint_parts(self) -> dict[str, Any]:
        """The dictionary and its features are left out: `renew_dictionary` works them out from the scores."""
        names = ["scores", "pseudo_labels", "last_weights"]
        names += [] if self.last_losses is None else ["last_losses"]
        accumulators = {f"accumulator_{i}": accumulator for i, accumulator in enumerate(self.accumulators)}
        return super().checkpoint_parts() | {name: getattr(self, name) for name in names} | accumulators

    def label_report(self) -> LabelReport:
        """What training learned about each given label, ordered by example id."""
        return label_report(
            self._examples().given_labels,
            self.scores.read(),
            self.last_weights.numpy(),
            self.pseudo_labels.read(),
        )

    def _examples(self) -> Examples:
        if self.training_examples is None:
            raise UserError("fit must come first: no example has been seen. Received: an untrained FSR model")
        return self.training_examples

    def _reward_source(self) -> ForwardFeatures | HistoryFeatures:
        def forward(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            return self.frozen_features(self.augmented(images, seed))

        num_features = self.head.kernel.shape[0]
        if self.reward_features == "history":
            return HistoryFeatures(self.dictionary, forward, self.num_examples, num_features, self.reward_batch_size)
        return ForwardFeatures(self.dictionary, forward, num_features, self.reward_batch_size, self.reward_interval)

    def _head_variables(self) -> list[keras.Variable]:
        return [self.head.kernel, self.head.bias] if self.head.use_bias else [self.head.kernel]

    def _dense_layer(self) -> tuple[tf.Tensor, tf.Tensor]:
        kernel = tf.convert_to_tensor(self.head.kernel)
        bias = tf.convert_to_tensor(self.head.bias) if self.head.use_bias else tf.zeros([self.num_classes])
        return kernel, bias

    def _accumulator_values(self) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        values = [tf.convert_to_tensor(accumulator) for accumulator in self.accumulators]
        return values[0], values[1] if self.head.use_bias else None


def _check(name: str, value: Any, allowed: bool, rule: str) -> None:
    if not allowed:
        raise UserError(f"{name} must be {rule}. Received: {value}")
