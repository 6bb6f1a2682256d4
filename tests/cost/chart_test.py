"""The bar chart of the benchmark."""

import matplotlib.image

from ieg_fsr.cost.chart import chart, labels

ROW = {
    "network": "resnet32", "method": "fsr", "relative_to": "supervised", "seconds_per_epoch": None, "time_ratio": 1.1,
    "time_ratio_q1": 1.0, "time_ratio_q3": 1.2, "memory_ratio": 1.05, "num_examples": 100, "dictionary_size": 10,
    "reward_batch_size": 5,
}  # fmt: skip
ROWS = [ROW, ROW | {"method": "supervised", "dictionary_size": None}, ROW | {"dictionary_size": 20}]


def test_labels_name_the_sizes_that_differ():
    assert labels(ROWS) == ["fsr |R|=10", "supervised", "fsr |R|=20"]
    assert labels([ROW, ROW | {"network": "resnet50"}]) == ["fsr", "fsr"]
    every_second = ROW | {"pusher": "release", "reward_features": "forward", "reward_interval": 2}
    history = every_second | {"pusher": "shared", "reward_features": "history"}
    assert labels([every_second, history]) == ["fsr release forward / 2", "fsr shared history"]


def test_a_panel_for_time_and_one_for_memory_where_it_is_known(tmp_path):
    chart(ROWS, tmp_path / "both.png")
    chart([row | {"memory_ratio": None} for row in ROWS], tmp_path / "time.png")
    both, time = (matplotlib.image.imread(tmp_path / f"{name}.png") for name in ("both", "time"))
    assert both.shape[1] == 2 * time.shape[1]
    assert len({tuple(pixel) for pixel in time[::7, ::7, :3].reshape(-1, 3).tolist()}) > 3
