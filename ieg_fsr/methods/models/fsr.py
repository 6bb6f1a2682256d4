"""FSR and its relatives: sample weights from a lookahead (Zhang & Pfister, ICCV 2021, Algorithm 1).

One step, in the numbers that `FSR.train_step` marks:

1. Augment the batch and mix pairs of samples.
2. Forward it once through the shared network: features h, and through the meta part: logits z (FSR: z = h W + c).
3. Draw a class-balanced reward batch from the dictionary and take its features, without gradient.
4. Look ahead: move the meta part (W, c) by one virtual step of momentum SGD with uniform weights.
5. The gradient of the reward loss there by each sample's weight, with its sign turned and clipped, is the new weight.
6. Update all parameters with the weighted losses and p times the mean loss against the pseudo labels, both at the
   strength that `reweighting.strength` finds right.
7. Score each sample around the lookahead; keep a running mean of the scores.
8. Keep a running mean of each sample's logits: its pseudo label.
9. After the epoch the best-scored examples of each class become the dictionary.

For the first E epochs the weights stay uniform and steps 3 and 5 are left out. Unlabelled examples behind the batch are
in steps 1 and 2, in the second loss of step 6 and in step 8.

Three choices make a method: where reward batches come from (the dictionary, or a hold-out, which leaves out
steps 7 and 9), how much of the network is the meta part, and the rule that gives the weights. FSR = dictionary x final
Dense x direct; L2R (Ren et al. 2018) = hold-out x all x direct; Meta-Weight-Net (Shu et al. 2019) = hold-out x all x
weight net.
"""

import warnings
from typing import Any

import keras
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.methods.models.fit_arguments import refuse, training_data
from ieg_fsr.methods.models.fsr_settings import (
    check_settings,
    checked_pseudo_labels,
    checked_skips,
    checked_strength,
    rate_falls,
    reward_set_size,
)
from ieg_fsr.methods.models.meta_part import Lookahead, MetaPart
from ieg_fsr.methods.models.reward_keeping import RewardKeeping
from ieg_fsr.methods.models.skipping import WeightSkipping
from ieg_fsr.methods.models.step_scopes import in_scope
from ieg_fsr.methods.models.supervised import Batch
from ieg_fsr.replicas import share, update_rows, whole
from ieg_fsr.reweighting.dictionary import RewardDictionary
from ieg_fsr.reweighting.meta_gradient import DEFAULT as DEFAULT_STEP
from ieg_fsr.reweighting.meta_gradient import VirtualSgd
from ieg_fsr.reweighting.pushers import PUSHERS, PusherInputs
from ieg_fsr.reweighting.settings import AUTO, DEFAULT_REWARD_INTERVAL, FEWEST_EXAMPLES
from ieg_fsr.reweighting.strength import FixedStrength, Samples, SelfTuningStrength, Weights
from ieg_fsr.reweighting.trusted_examples import TrustedExamples
from ieg_fsr.reweighting.weight_mean import WeightMean
from ieg_fsr.reweighting.weight_rules import DirectWeights, WeightRule


class FSR(RewardKeeping):
    """Trains a classifier on labels that may be wrong, or on rare classes, and learns a weight for every sample.

    `fit` takes `ieg_fsr.examples(x, y)` or a `tf.data.Dataset` of (x, y, example_id): tables are kept by id, and the
    dictionary fetches its members by it. Reward examples are forwarded with dropout and the batch's own statistics.
    """

    starts_anew = (*RewardKeeping.starts_anew, "accumulator", "weight_rule")
    skipping_rules = (*RewardKeeping.skipping_rules, WeightSkipping)

    def __init__(
        self,
        classifier: keras.Model,
        num_examples: int,
        dictionary_size: int | None = None,
        *,
        strength: str | float = "auto",
        clean_examples: Examples | None = None,
        trusted_ids: Any = (),
        meta_layers: str = "dense",
        weight_rule: WeightRule | None = None,
        reward_batch_size: int = 200,
        reward_features: str | None = None,
        reward_interval: int | None = None,
        pusher: str = "lookahead",
        score_momentum: float = 0.9,
        lookahead_learning_rate: float = 0.1,
        lookahead_momentum: float | None = None,
        weight_constraint: str = "clip",
        reweight_warmup_epochs: int = 20,
        label_momentum: float = 0.1,
        pseudo_label_loss_weight: float = 2.0,
        pseudo_label_dtype: str = "float32",
        pseudo_label_top: str | int = "all",
        lookahead_losses: bool = False,
        mixup_alpha: float = 1.0,
        **supervised: Any,
    ) -> None:
        """Wraps a classifier, whose variables it shares.

        Args:
            classifier: built Functional or Sequential model that ends in Dense logits.
            num_examples: N, size of the training set; example ids are 0..N-1.
            dictionary_size: |R|, 1..N; None: 2000, or N if that is less. A hold-out has none.
            strength: of re-weighting, pseudo labels and MixUp: "auto", tuned while training, or a number in [0, 1]:
                0 is plain training, 1 the paper's. With a hold-out, another weight rule, "shift", or below 200
                examples auto is 1.
            clean_examples: hold-out with true labels, in place of the dictionary; its batch size does not matter.
            trusted_ids: [n], of examples whose labels are known to be right, by a person's decision: they weigh as much
                as in plain training at least, and come first in the dictionary.
            meta_layers: "dense", "all", or a layer's name or index: that layer and all above (see `cut_classifier`).
            weight_rule: `WeightNet`, `UniformWeights` (scores and pseudo labels alone); None for `DirectWeights`.
            reward_batch_size: q, spread over the classes as evenly as it goes.
            reward_features: "history" (kept, see `HistoryFeatures`) or "forward"; None: history, but forward with a
                hold-out or an interval.
            reward_interval: steps between two forwards, 4 if not given.
            pusher: what scores a sample, one of `PUSHERS`.
            score_momentum: lambda.
            lookahead_learning_rate: eta.
            lookahead_momentum: mu, share of the meta part's momentum in the lookahead; None: 0.9, 0 leaves it out.
            weight_constraint: "clip" for wrong labels, "shift" for rare classes, where `weight_rule` is None.
            reweight_warmup_epochs: E, epochs of uniform weights before re-weighting starts.
            label_momentum: beta.
            pseudo_label_loss_weight: p; 0 leaves the loss and its table out.
            pseudo_label_dtype: "float32", or "float16" for half the memory of a table of whole rows.
            pseudo_label_top: K, logits of an example that the table keeps, with the mean of the rest, or "all".
            lookahead_losses: whether to keep each example's own-label losses before and after the lookahead.
            mixup_alpha: Beta parameter of MixUp; 0 for no MixUp.
            **supervised: see `Supervised`; whatever its `sample_loss`, the lookahead and the reward take cross-entropy.

        Raises:
            UserError: an argument is out of range, or the classifier does not end in Dense logits or cannot be cut.
        """
        by_hand = None if strength == AUTO else checked_strength(strength)
        super().__init__(classifier, mixup_alpha=0.0 if by_hand == 0 else mixup_alpha, **supervised)
        by_history = clean_examples is None and reward_interval is None
        reward_features = reward_features or ("history" if by_history else "forward")
        check_settings(
            clean_examples is not None, reward_features, reward_interval=reward_interval,
            pusher=pusher, weight_constraint=weight_constraint, pseudo_label_dtype=pseudo_label_dtype,
            reward_batch_size=reward_batch_size, score_momentum=score_momentum, label_momentum=label_momentum,
            lookahead_learning_rate=lookahead_learning_rate, lookahead_momentum=lookahead_momentum,
            reweight_warmup_epochs=reweight_warmup_epochs, pseudo_label_loss_weight=pseudo_label_loss_weight,
        )  # fmt: skip
        self.num_examples, self.reward_batch_size = num_examples, reward_batch_size
        self.reward_features, self.reward_interval = reward_features, reward_interval or DEFAULT_REWARD_INTERVAL
        self.pusher = PUSHERS[pusher]
        self.weight_rule = weight_rule or DirectWeights(weight_constraint)
        self.reweight_warmup_epochs, self.pseudo_label_loss_weight = reweight_warmup_epochs, pseudo_label_loss_weight
        self.reweighting, self.clean_examples = False, clean_examples
        tunable = clean_examples is None and getattr(self.weight_rule, "weight_constraint", None) == "clip"
        lookahead_momentum = DEFAULT_STEP.momentum if lookahead_momentum is None else lookahead_momentum
        step = VirtualSgd(lookahead_learning_rate, lookahead_momentum, self.weight_decay)
        self.meta_part = MetaPart(classifier, meta_layers, step)
        self.parts = self.meta_part.below, self.meta_part.above
        places = reward_set_size(dictionary_size, num_examples, clean_examples)
        self.reward_set = RewardDictionary(places, self.num_classes)
        self.reward = self._reward_source()
        self.dictionary = self.reward_set if clean_examples is None else None
        self.scores = self.pusher.table(num_examples, score_momentum) if clean_examples is None else None
        self.pseudo_labels = None
        if pseudo_label_loss_weight:
            of_table = num_examples, self.num_classes, pseudo_label_top, label_momentum, pseudo_label_dtype
            self.pseudo_labels = checked_pseudo_labels(*of_table)
        self.trusted = TrustedExamples(trusted_ids, num_examples)
        # Weight of each example when it was last trained on, relative to uniform.
        self.last_weights = tf.Variable(tf.ones([num_examples]), trainable=False, name="last_weights")
        self.mean_weights = WeightMean(num_examples)
        self.strength = FixedStrength(1.0 if by_hand is None else by_hand)
        if by_hand is None and tunable and num_examples >= FEWEST_EXAMPLES:
            self.strength = SelfTuningStrength(num_examples, self.num_classes, self.seed)
        # Of all steps so far: a batch whose meta gradients are all clipped is not learned from.
        self.zero_weight_batches = tf.Variable(0, trainable=False, dtype=tf.int64, name="zero_weight_batches")
        self.skips_by_weight = checked_skips(self)
        self.last_losses = None
        if lookahead_losses:
            unseen = tf.fill([num_examples, 2], float("nan"))  # before and after the step
            self.last_losses = tf.Variable(unseen, trainable=False, name="last_losses")

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of Algorithm 1, numbered as above."""
        batch = self.prepare(data)  # 1
        reward = self.draw_reward()  # 3
        with tf.GradientTape() as tape:
            features, all_logits = self.forward(batch.all_images)  # 2
            features, logits = batch.labelled(features), batch.labelled(all_logits)
            samples = Samples(batch.example_ids, batch.given_labels, batch.targets, logits)
            batch = batch._replace(targets=self.strength.targets(samples))
            losses, regularization = self.sample_losses(batch, logits), self.regularization()
            with tape.stop_recording():
                lookahead = self.meta_part.look_ahead(self.weight_rule, losses, features, batch.targets, reward)  # 4, 5
                self.push_scores(batch, features, losses, lookahead)  # 7
                weights = self.tuned_weights(samples._replace(targets=batch.targets), lookahead.sample_weights)
                weights = Weights._make(self.trusted.at_least_uniform(batch.example_ids, part) for part in weights)
            loss = self.weighted_loss(batch.factored(losses), weights.applied) + regularization  # 6
            loss += self.pseudo_label_loss(batch, all_logits)
        gradients = self.update(tape, loss)
        self.meta_part.accumulate(self.classifier.trainable_variables, gradients, self.step_taken(gradients))
        self.remember(batch, features, all_logits, weights.told)  # 8
        return self.measure(batch, logits, loss)

    def mixup_reach(self, example_ids: Any) -> Any:
        """As far as the strength goes."""
        return self.strength.reach(example_ids)

    @in_scope("strength")
    def tuned_weights(self, samples: Samples, reward_weights: tf.Tensor) -> Weights:
        """Weights at the present strength. Args: reward_weights: [B]."""
        return self.strength.weights(samples, reward_weights, self.reweighting)

    @in_scope("tables")
    def push_scores(self, batch: Batch, features: tf.Tensor, losses: tf.Tensor, lookahead: Lookahead) -> None:
        """Step 7: moves the scores of the batch; a hold-out needs none. Keeps the losses that monitoring asked for."""
        if self.scores is None and self.last_losses is None:
            return
        features = tf.cast(features, tf.float32)
        unmixed_features = features if batch.images is batch.unmixed_images else None
        if unmixed_features is None and self.scores is not None and self.pusher.needs_unmixed_features:
            with tf.name_scope("unmixed_forward"):
                unmixed_features = whole(self.frozen_features(share(batch.unmixed_images)))
        one_hot = tf.one_hot(batch.given_labels, self.num_classes)
        parameters = lookahead.parameters, lookahead.lookahead_parameters
        inputs = PusherInputs(losses, features, unmixed_features, one_hot, self.meta_part.logits, *parameters)
        if self.scores is not None:
            self.scores.update(batch.example_ids, self.pusher.score(inputs))
        if self.last_losses is not None:
            before_and_after = [-PUSHERS[name].score(inputs) for name in ("negative_loss", "lookahead")]
            update_rows(self.last_losses, batch.example_ids, tf.stack(before_and_after, axis=1))

    @in_scope("loss")
    def weighted_loss(self, losses: tf.Tensor, sample_weights: tf.Tensor) -> tf.Tensor:
        """Step 6, first term: sum of weight times loss, the weights being constants."""
        if self.strength.is_plain:
            return tf.reduce_mean(losses)
        return tf.reduce_sum(tf.stop_gradient(sample_weights) * losses)

    @in_scope("loss")
    def pseudo_label_loss(self, batch: Batch, logits: tf.Tensor) -> tf.Tensor | float:
        """Step 6, second term: p times the mean loss [B + U] against the pseudo labels; nothing during warm-up."""
        if not self.reweighting or self.pseudo_labels is None or self.strength.is_plain:
            return 0.0
        targets = tf.stop_gradient(self.pseudo_labels.targets(batch.all_ids))
        losses = batch.factored(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
        return self.strength.share * self.pseudo_label_loss_weight * tf.reduce_mean(losses)

    @in_scope("tables")
    def remember(self, batch: Batch, features: tf.Tensor, logits: tf.Tensor, sample_weights: tf.Tensor) -> None:
        """Step 8, and what the reward source and the reports keep of the batch."""
        if self.pseudo_labels is not None:
            self.pseudo_labels.update(batch.all_ids, logits)
        if not self.mixup_alpha:  # the features of a mixed image are no member's own
            self.reward.observe(batch.example_ids, tf.cast(features, tf.float32))
        relative_weights = sample_weights * tf.cast(tf.size(sample_weights), tf.float32)
        update_rows(self.last_weights, batch.example_ids, relative_weights)
        self.zero_weight_batches.assign_add(tf.cast(tf.reduce_max(sample_weights) <= 0.0, tf.int64))

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, *args: Any, **kwargs: Any
    ) -> keras.callbacks.History:
        """`keras.Model.fit` on `Examples` or a dataset of (x, y, example_id); renews the dictionary after every epoch.

        Raises:
            UserError: see `Supervised.fit`; data without ids, or not those that the model was made for.
        """
        refuse(isinstance(x, Examples | tf.data.Dataset), kwargs | {"y": y, "batch_size": batch_size})
        x = training_data(x, self.num_examples, self.num_classes)
        x = x if self.pseudo_labels is None or self.strength.is_plain else x.with_unlabelled()
        _, ahead = self.first_epoch(kwargs.get("initial_epoch"))
        warmup, in_all = self.reweight_warmup_epochs, epochs + ahead
        if in_all <= warmup:
            text = f"reweight_warmup_epochs is {warmup} and training ends after {in_all}: weights stay uniform"
            warnings.warn(text, stacklevel=2)
        return super().fit(x, y, batch_size, epochs, *args, **kwargs)

    def begin_training(self, epoch: int, first_step: int) -> None:
        """The monitors of a training from its first step on; the first dictionary."""
        if isinstance(self.strength, SelfTuningStrength) and epoch == first_step == 0:
            self.strength.begin(self.trusted.leave_out(self.seen_examples().given_labels))
        super().begin_training(epoch, first_step)

    def end_epoch(self, epoch: int) -> None:
        """The strength, the mean weights, and step 9."""
        super().end_epoch(epoch)
        if self.skips_by_weight and self.reweighting:
            self.skipping.update(self.last_weights.numpy(), self.visited_ids(epoch))
        if isinstance(self.strength, SelfTuningStrength):
            epochs = self.course.plan.epochs
            self.strength.decide(epoch, epochs, self.reweight_warmup_epochs, rate_falls(self.optimizer, epoch, epochs))
        if self.reweighting:
            self.mean_weights.update(self.last_weights)
        self.renew_dictionary(epoch + 1)

    def checkpoint_parts(self) -> dict[str, Any]:
        """With tables, dictionary and reward features; the images of the dictionary are fetched again."""
        names = ["scores", "pseudo_labels", "last_weights", "last_losses", "weight_rule", "reward_set", "strength"]
        names += ["zero_weight_batches", "mean_weights"]
        variables = (tf.Module, tf.Variable)
        parts = {name: getattr(self, name) for name in names if isinstance(getattr(self, name), variables)}
        accumulators = {f"accumulator_{i}": value for i, value in enumerate(self.meta_part.accumulators)}
        return super().checkpoint_parts() | parts | accumulators | {"reward": self.reward.state()}
