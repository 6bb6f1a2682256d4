"""What TensorBoard would read: the summaries, parsed again."""

import tensorflow as tf
from tensorboard.plugins.hparams import plugin_data_pb2

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.training.monitoring.hyperparameters import write_hyperparameters


def test_settings_and_figures_come_back(tmp_path):
    config = resolve({"noise": 0.4, "dictionary_size": 50, "model_dir": str(tmp_path), "epochs": 7})
    write_hyperparameters(tmp_path, config, {"test_accuracy": 0.875})
    [path] = tmp_path.glob("events*.hparams")
    values, figures = {}, {}
    for record in tf.data.TFRecordDataset(str(path)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            data = plugin_data_pb2.HParamsPluginData.FromString(value.metadata.plugin_data.content)
            for name, number in data.session_start_info.hparams.items():
                values[name] = getattr(number, number.WhichOneof("kind"))
            if value.tag.startswith("final/"):
                figures[value.tag] = (event.step, float(tf.make_ndarray(value.tensor)))
    assert values["noise"] == 0.4
    assert values["dictionary_size"] == 50
    assert values["method"] == "fsr"
    assert "model_dir" not in values
    assert "gce_q" not in values
    assert figures == {"final/test_accuracy": (7, 0.875)}
