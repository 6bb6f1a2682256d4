"""The reward set of FSR and its relatives: kept, renewed after every epoch (step 9), and drawn from (step 3)."""

import numpy as np
import tensorflow as tf
from keras.optimizers import LossScaleOptimizer

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.methods.models.compiled_parts import compiled_part
from ieg_fsr.methods.models.meta_part import MetaPart, Reward
from ieg_fsr.methods.models.reweighting_report import ReweightingReport
from ieg_fsr.methods.models.stages import Stage
from ieg_fsr.methods.models.step_scopes import in_scope
from ieg_fsr.methods.models.supervised import REWARD_STREAM
from ieg_fsr.networks.frozen_forward import frozen_forward
from ieg_fsr.replicas import share
from ieg_fsr.reweighting.dictionary import RewardDictionary, select_believed, select_members
from ieg_fsr.reweighting.memorising import FEW_PREDICTED
from ieg_fsr.reweighting.reward_features import ForwardFeatures, HistoryFeatures
from ieg_fsr.reweighting.strength import SelfTuningStrength
from ieg_fsr.reweighting.weight_rules import UniformWeights, WeightRule
from ieg_fsr.unlabelled import labelled


class RewardKeeping(ReweightingReport):
    """A method with a reward set, which `FSR` makes: the dictionary, or a hold-out."""

    clean_examples: Examples | None  # the hold-out
    meta_part: MetaPart
    num_examples: int
    reward: ForwardFeatures | HistoryFeatures
    reward_batch_size: int
    reward_features: str
    reward_interval: int
    reward_set: RewardDictionary
    reweight_warmup_epochs: int
    reweighting: bool
    weight_rule: WeightRule

    @in_scope("reward")
    def draw_reward(self) -> Reward | None:
        """Step 3: features and targets of a class-balanced draw; nothing during warm-up."""
        if not self.reweighting or isinstance(self.weight_rule, UniformWeights):
            return None
        features, labels = self.reward.batch(self.step_seed(REWARD_STREAM))
        return Reward(features, self.targets_of(labels))

    @in_scope("update")
    def step_taken(self, gradients: list[tf.Tensor]) -> tf.Tensor | None:
        """Whether the optimizer moves by these gradients: a LossScaleOptimizer not if one overflows; None: always."""
        scales = isinstance(self.optimizer, LossScaleOptimizer)
        return self.optimizer.check_finite(gradients) if scales else None

    def begin_training(self, epoch: int, first_step: int) -> None:
        """The first dictionary: a random draw without scores; within an epoch, where they moved on, a checkpoint's."""
        first_dictionary = self.keep_dictionary if first_step else self.renew_dictionary
        first_dictionary(epoch)

    def stages(self, epochs: int) -> list[Stage]:
        """Those of skipping, which begins after the warm-up."""
        return self.skipping.stages(epochs, self.reweight_warmup_epochs)

    def set_epoch(self, epoch: int) -> None:
        """Switches re-weighting on or off for an epoch; a switch traces the train function anew."""
        reweighting = epoch >= self.reweight_warmup_epochs
        if reweighting != self.reweighting:
            self.reweighting = reweighting
            self.make_train_function(force=True)

    def visited_ids(self, epoch: int) -> np.ndarray:
        """Example ids that an epoch visited, the latest one."""
        if self.course.visits is not None and self.course.visits[0] == epoch:
            return self.course.visits[1].ids
        return np.flatnonzero(labelled(self.seen_examples().given_labels))

    def renew_dictionary(self, epoch: int) -> None:
        """Step 9: the best-scored of each class become the dictionary of `epoch`; a hold-out keeps its members."""
        rewarding = self.clean_examples or self.seen_examples()
        members = np.argsort(rewarding.given_labels, kind="stable")
        if self.scores is not None:
            rng = np.random.default_rng([self.seed, epoch])
            ids, scores = np.flatnonzero(labelled(rewarding.given_labels)), self.scores.read()
            members = ids[self.best(scores[ids], ids, rewarding.given_labels[ids], rng)]
        self.reward_set.assign(members, rewarding.given_labels[members])
        if epoch >= self.reweight_warmup_epochs:
            self.reward.renew(rewarding.member_images(epoch, members), tf.constant([self.seed, epoch], tf.int32))

    def best(
        self, scores: np.ndarray, ids: np.ndarray, given_labels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Places [M] of the members among the labelled examples `ids`; another choice where the strength tunes itself.

        Args: scores, ids, given_labels: [N].
        """
        size, visited, trusted = self.reward_set.size, np.isfinite(scores), self.trusted.mask[ids]
        if not isinstance(self.strength, SelfTuningStrength) or self.pseudo_labels is None or not visited.any():
            # Of the trusted ones, which are equal among themselves, a class draws anew each time.
            scores = np.where(trusted, np.inf, scores)
            return select_members(scores, given_labels, size, self.num_classes, rng)
        agreed = visited & (self.pseudo_labels.likeliest()[ids] == given_labels)
        likely, share = agreed, self.strength.share_to_draw_from
        if share < FEW_PREDICTED:
            likely = visited
        elif self.pusher.is_log_probability:
            likely = np.exp(self.pusher.trust(scores)) > 1.0 / self.num_classes
        return select_believed(scores, agreed, likely, given_labels, size, self.num_classes, share, rng, trusted)

    def keep_dictionary(self, epoch: int) -> None:
        """Takes up the dictionary of a checkpoint within `epoch`, with the images that its members had."""
        if epoch >= self.reweight_warmup_epochs:
            rewarding = self.clean_examples or self.seen_examples()
            self.reward.load(rewarding.member_images(epoch, self.reward_set.members()))

    @compiled_part
    def frozen_features(self, images: tf.Tensor) -> tf.Tensor:
        """Features [B, ...] by the batch's own batch-norm statistics; moving averages stay as they are, no gradient."""
        return tf.cast(frozen_forward(self.meta_part.below, images), tf.float32)

    def _reward_source(self) -> ForwardFeatures | HistoryFeatures:
        forward = lambda images, seed: self.frozen_features(share(self.augmented(images, seed)))  # noqa: E731
        shape = self.meta_part.below.output_shape[1:]
        if self.reward_features == "history":
            return HistoryFeatures(self.reward_set, forward, self.num_examples, shape, self.reward_batch_size)
        return ForwardFeatures(self.reward_set, forward, shape, self.reward_batch_size, self.reward_interval)
