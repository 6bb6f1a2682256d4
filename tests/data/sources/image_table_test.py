"""Tables of image files, as spreadsheets and programs write them."""

import pathlib
import re

import numpy as np
import pytest

from ieg_fsr.data.sources.datasets import image_side, load_dataset
from ieg_fsr.errors import UserError


@pytest.fixture(scope="module")
def images(tmp_path_factory, write_image):
    """A folder of ten images, image k of shade 20 k, in two sizes, and one that is none."""
    root = tmp_path_factory.mktemp("table") / "pictures"
    for k in range(10):
        write_image(root / f"{k}.png", 30, 40 + k % 2, shade=20 * k)
    (root / "broken.png").write_text("gone")
    return root


def write(images, text, name="table.csv"):
    """The value of --dataset for a table beside the folder of images."""
    path = images.parent / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return f"csv:{path}"


def rows(header, *lines):
    return "\n".join([header, *lines]) + "\n"


LABELLED = [(f"pictures/{k}.png", "dog" if k % 3 else "cat") for k in range(10)]
TRAIN = [0, 3, 6, 9, 1, 2]
SPLIT = rows(
    "split,note,path,label",
    *(f"train,x,{LABELLED[k][0]},{LABELLED[k][1]}" for k in TRAIN),
    *(f"test,,{LABELLED[k][0]},{LABELLED[k][1]}" for k in (8, 4)),
    "val,,pictures/5.png,dog",
)


def numbers(source):
    return [int(pathlib.Path(name).stem) for name in source.names]


def test_rows_are_examples_in_their_order(images):
    data = load_dataset(name := write(images, SPLIT), image_size=16)
    assert data.name == name
    assert data.class_names == ("cat", "dog")
    assert (data.train.images(range(6))[:, 0, 0, 0] // 20).tolist() == TRAIN
    assert data.train.labels.tolist() == [0, 0, 0, 0, 1, 1]
    assert data.train.names[4] == str(images / "1.png")
    assert (numbers(data.test), data.test.labels.tolist()) == ([8, 4], [1, 1])
    assert data.notes == (f"--dataset={name}: val is not used, test is the test split",)


@pytest.mark.parametrize(
    "text",
    [
        SPLIT.replace(",", ";"),
        SPLIT.replace(",", "\t"),
        "\ufeff" + SPLIT,
        SPLIT.replace("\n", "\r\n"),
        SPLIT.replace("\n", "\n\n"),
        SPLIT.replace("split,note,path,label", " Split,note,PATH,Label "),
        SPLIT.replace("train,x,pictures", "Train,x, pictures").replace(",cat", ", cat "),
        SPLIT.replace("pictures/3.png,", '"pictures/3.png",'),
    ],
)
def test_spellings_of_spreadsheets(images, text):
    data = load_dataset(write(images, text), image_size=16)
    assert (numbers(data.train), data.class_names) == (TRAIN, ("cat", "dog"))
    assert len(data.test) == 2


def test_parquet_says_the_same(images):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    lines = [line.split(",") for line in SPLIT.splitlines()]
    columns = dict(zip(lines[0], zip(*lines[1:], strict=True), strict=True))
    path = images.parent / "table.parquet"
    whole = [int(label == "dog") for label in columns["label"]]
    for label, classes in (
        (columns["label"], ("cat", "dog")),
        (whole, ("0", "1")),
        (np.array(whole, float), ("0", "1")),
    ):
        table = {name: list(column) for name, column in columns.items()} | {"label": label}
        parquet.write_table(pyarrow.table(table), path)
        data = load_dataset(f"csv:{path}", image_size=16)
        assert (numbers(data.train), data.train.labels.tolist()) == (TRAIN, [0, 0, 0, 0, 1, 1])
        assert data.class_names == classes
    path.write_bytes(path.read_bytes()[:-10])
    assert "must be a table: CSV in UTF-8 with a header, or Parquet. Received: " in complaint(f"csv:{path}")


@pytest.mark.parametrize(
    ("labels", "names", "found"),
    [
        (["10", "9", "10", "2.0", "9.0", "2"], ("2", "9", "10"), [2, 1, 2, 0, 1, 0]),
        (["1", "2", "1", "2", "1", "2"], ("1", "2"), [0, 1, 0, 1, 0, 1]),
        (["01", "1", "b", "01", "1", "b"], ("01", "1", "b"), [0, 1, 2, 0, 1, 2]),
        (["b", "a", "b", "a", "b", "a"], ("a", "b"), [1, 0, 1, 0, 1, 0]),
    ],
)
def test_classes_by_number_or_by_name(images, labels, names, found):
    listed = [
        *(f"pictures/{k}.png,{label},train" for k, label in enumerate(labels)),
        f"pictures/9.png,{labels[0]},test",
    ]
    data = load_dataset(write(images, rows("path,label,split", *listed)), image_size=16)
    assert (data.class_names, data.train.labels.tolist()) == (names, found)


def test_without_a_split_some_rows_are_held_out(images):
    data = load_dataset(write(images, rows("path,label", *map(",".join, LABELLED))), image_size=16)
    assert (len(data.train), len(data.test)) == (9, 1)
    assert "no test split" in data.notes[0]


def test_paths_begin_at_data_dir(images, tmp_path, monkeypatch):
    table = tmp_path / "t.csv"
    table.write_text(SPLIT.replace("pictures/8.png", str(images / "8.png")))
    data = load_dataset(f"csv:{table}", str(images.parent), image_size=16)
    assert (numbers(data.train), numbers(data.test)) == (TRAIN, [8, 4])
    assert complaint(f"csv:{table}").endswith(
        f"images that can be read and decoded. Received: 6 images that cannot, such as {tmp_path}/pictures/0.png "
        "(no such file)"
    )
    monkeypatch.chdir(tmp_path)
    assert numbers(load_dataset("csv:t.csv", str(images.parent), image_size=16).train) == TRAIN


def test_what_cannot_be_read_is_counted(images):
    more = [
        "train,,pictures/none.png,cat",
        "train,,pictures/broken.png,dog",
        "train,,./pictures/3.png,cat",
        "test,,pictures/7.png,",
    ]
    data = load_dataset(name := write(images, SPLIT + rows(*more)), image_size=16)
    assert numbers(data.train) == TRAIN
    assert data.left_out == {
        "repeated rows": 1,
        "test rows without a label": 1,
        "no such file": 1,
        "of no known format": 1,
    }
    assert data.notes[1] == f"--dataset={name}: left out: 1 repeated rows, 1 test rows without a label"
    assert data.notes[2].startswith(
        "2 images cannot be decoded and are left out (1 no such file, 1 of no known format): "
    )


def complaint(name, **options):
    with pytest.raises(UserError) as caught:
        load_dataset(name, **options)
    message = str(caught.value)
    assert message.startswith(f"--dataset={name} must ") or message.startswith("--dataset=csv:FILE must ")
    assert "\n" not in message
    image_side(name)  # says nothing, and does not fail
    return message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,class\na.png,x\n", "must have the columns path and label. Received: path, class, without label"),
        ("pictures/0.png,cat\n", "Received: pictures/0.png, cat, without path"),
        ("", "Received: no column, without path"),
        ("path,label\n", "must have rows of the split train. Received: no row"),
        ("path,label,split\na,b,test\n", "must have rows of the split train. Received: test only"),
        ("path,label\n,cat\n", "must have a path in each row. Received: none in row 1"),
        ("path,label\na.png,cat\nb.png\n", "be a table: .*Received: 1 fields in row 2, 2 in the header"),
        ("path,label,split\na,b,train\nb,b,\n", "have train, test, val, validation in the column .*'' in row 2"),
        ("path,label,split\na,b,train\nb,b,holdout\n", "in the column split. Received: 'holdout' in row 2"),
        ("path,label\na,x\nb,y\n./a,y\n", "one label and one split. Received: ./a with x in row 1 and y in row 3"),
        ("path,label,split\na,x,train\nb,y,train\na,x,test\n", "Received: a with train in row 1 and test in row 3"),
        ("path,label\na,x\na,\n", "Received: a with x in row 1 and no label in row 2"),
        ("path,label\na,x\nb,x\n", "must have two or more classes. Received: 'x' only"),
        ("path,label\na,\nb,-1\n", "must have two or more classes. Received: none"),
        ("path,label\na,cat\nb,Cat\n", "differ in more than case and blanks. Received: 'Cat' and 'cat'"),
        ("path,label,split\na,x,train\nb,y,train\nc,z,test\n", "the test part in the training part too. Received: z"),
        (b"path,label\n\xff\xfe,x\n", "be a table: CSV in UTF-8 with a header, or Parquet. Received: 'utf-8' codec"),
        ('path,label\n"a,x\n', "must be a table: "),
        ("path,label\n" + "a" * 200_000 + ",x\n", "must be a table: .*field larger than"),
    ],
)  # fmt: skip
def test_bad_tables(images, text, message):
    assert re.search(message, complaint(write(images, text)))


def test_no_table(tmp_path):
    for place in (tmp_path / "none.csv", tmp_path):
        assert complaint(f"csv:{place}") == f"--dataset=csv:FILE must name an existing file. Received: csv:{place}"


def test_a_split_of_which_nothing_can_be_read(images):
    text = rows("path,label,split", "pictures/0.png,a,train", "pictures/1.png,b,train", "pictures/broken.png,a,test")
    assert complaint(write(images, text)).endswith(f"such as {images}/broken.png (of no known format)")


def test_small_images_of_one_size_are_held_as_they_are(images):
    lines = [f"pictures/{k}.png,{k // 2 % 2},{'test' if k == 8 else 'train'}" for k in range(0, 10, 2)]
    name = write(images, rows("path,label,split", *lines))
    data = load_dataset(name)
    assert data.train.image_shape == (30, 40, 3)
    assert image_side(name) == 40
    assert np.unique(data.test.images([0])).tolist() == [160]
    assert data.test.names == [str(images / "8.png")]
