"""Meta-Weight-Net: a small network from a sample's loss to its weight (Shu et al., NeurIPS 2019)."""

import keras
import tensorflow as tf

from ieg_fsr.replicas import count
from ieg_fsr.reweighting.settings import WEIGHT_NET_LEARNING_RATE, WEIGHT_NET_UNITS, WEIGHT_NET_WEIGHT_DECAY
from ieg_fsr.rules import check_number, whole_seed

# Meta gradients are small: Adam's usual 1e-8, not Keras' 1e-7.
_ADAM_EPSILON = 1e-8


class WeightNet(tf.Module):
    """w_i = v_i / sum_j v_j, v = sigmoid(MLP(loss)): one hidden layer of ReLUs (paper, section 3.2: 1-100-1).

    The network learns from the reward loss after the virtual step that was made with its weights (Eq. 5-7). With losses
    as constants the chain rule ends at the weights, so its gradient is that of the weights times the meta gradient.
    Initial parameters, Adam and its settings are those of the authors' code (github.com/xjtushujun/meta-weight-net):
    rate 1e-3, squared penalty 1e-4, everything uniform within 1 / sqrt(inputs of the layer). Biases must not start at
    zero: losses are positive, and the ReLUs would make a straight line of them.
    """

    def __init__(
        self, learning_rate: float = 1e-3, weight_decay: float = 1e-4, units: int = 100, seed: int = 0
    ) -> None:
        """Args: learning_rate, weight_decay: of Adam. units: of the hidden layer. seed: of the initial parameters.

        Raises:
            UserError: one of them is out of range.
        """
        super().__init__(name="weight_net")
        WEIGHT_NET_LEARNING_RATE.check_argument(learning_rate)
        WEIGHT_NET_WEIGHT_DECAY.check_argument(weight_decay)
        WEIGHT_NET_UNITS.check_argument(units)
        check_number("seed", seed, whole_seed(), int)
        self.weight_decay = weight_decay
        self.network = keras.Sequential(
            [keras.Input([1]), _dense(units, 1, "relu", seed), _dense(1, units, "sigmoid", seed + 1)], name="weight_net"
        )
        self.optimizer = keras.optimizers.Adam(learning_rate, epsilon=_ADAM_EPSILON)
        self.optimizer.build(self.network.trainable_variables)

    @property
    def variables(self) -> list[keras.Variable]:
        """Those of the network and of its optimizer."""
        return [*self.network.variables, *self.optimizer.variables]

    def virtual_weights(self, losses: tf.Tensor) -> tf.Tensor:
        """The present network's weights, which sum to one. [B]"""
        values = self.network(losses[:, tf.newaxis])[:, 0]
        return tf.math.divide_no_nan(values, tf.reduce_sum(values))

    def gradients(self, losses: tf.Tensor, meta_gradient: tf.Tensor) -> list[tf.Tensor]:
        """Derivative of the reward loss by each of the network's variables. Args: losses, meta_gradient: [B]."""
        with tf.GradientTape() as tape:
            weights = self.virtual_weights(losses)
        variables = [variable.value for variable in self.network.trainable_variables]
        return tape.gradient(weights, variables, output_gradients=meta_gradient)

    def sample_weights(self, losses: tf.Tensor, meta_gradient: tf.Tensor) -> tf.Tensor:
        """Makes a step of Adam, then the new network's weights. [B]"""
        variables = self.network.trainable_variables
        gradients = self.gradients(losses, meta_gradient)
        gradients = [g + self.weight_decay * v.value for g, v in zip(gradients, variables, strict=True)]
        # All replicas have the same; the optimizer takes their sum.
        gradients = [g / count() for g in gradients] if count() > 1 else gradients
        self.optimizer.apply(gradients, variables)
        return self.virtual_weights(losses)


def _dense(units: int, inputs: int, activation: str, seed: int) -> keras.layers.Dense:
    """A float32 layer, whatever the precision of the classifier."""
    bound = inputs**-0.5
    uniform = [keras.initializers.RandomUniform(-bound, bound, seed=2 * seed + i) for i in range(2)]
    return keras.layers.Dense(
        units, activation, kernel_initializer=uniform[0], bias_initializer=uniform[1], dtype="float32"
    )
