"""Decisions files: what is read, what is refused in one line, against rows written by hand."""

import hashlib
import os

import numpy as np
import pytest

from ieg_fsr.data.labels.decisions import (
    KEEP,
    LABEL,
    REMOVE,
    check_classes_left,
    data_sha256,
    read_decisions,
)
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.errors import UserError

LABELS = np.array([0, 1, 2, 0, 1, 2, -1, 0])


def data(names=(), class_names=("cat", "dog", 'a,"b"'), labels=LABELS):
    source = ArraySource(np.zeros([len(labels), 2, 2, 1], np.uint8), labels, names)
    return DataSet("folder:photos", source, source, class_names)


def read(tmp_path, text, of=None):
    (tmp_path / "d.csv").write_text(text, encoding="utf-8")
    return read_decisions(str(tmp_path / "d.csv"), of or data())


def test_ids_decisions_and_labels_by_number_or_name(tmp_path):
    for first, second in (("1", "2"), ("dog", '"a,""b"""')):
        text = f"example_id,decision,label\n3,label,{first}\n1,keep,{second}\n0,remove,\n5,unsure,nonsense\n6,keep,\n"
        decisions, notes = read(tmp_path, text)
        assert decisions.ids.tolist() == [0, 1, 3, 5, 6]
        assert decisions.decisions.tolist() == ["remove", "keep", "label", "unsure", "keep"]
        assert decisions.labels.tolist() == [-1, 2, 1, -1, -1]
        assert decisions.sha256 == hashlib.sha256(text.encode()).hexdigest()
        assert notes == []
        assert decisions.of(KEEP, LABEL).tolist() == [1, 3, 6]
        assert decisions.corrected(np.array([0, 0, 0]), np.array([1, 2, 3])).tolist() == [2, 0, 1]
        assert decisions.about(np.array([0, 5])).of(REMOVE).tolist() == [0]


def test_what_the_audit_page_saves_is_read(tmp_path):
    sha256 = data_sha256(data().train)
    header = "example_id,source_id,decision,label,class,given_label,file,data_sha256,rows\r\n"
    text = f'{header}0,4,label,0,cat,1,"a,\r\n""b"".png",{sha256},2\r\n1,5,remove,,,2,,{sha256},2\r\n'
    decisions, _ = read(tmp_path, text)
    assert (decisions.ids.tolist(), decisions.labels.tolist()) == ([4, 5], [0, -1])
    # One file behind another, header and all, and a later word about an example.
    more = f"{header}9,4,unsure,,,,,{sha256},1\r\n"
    decisions, notes = read(tmp_path, text + more)
    assert (decisions.ids.tolist(), decisions.decisions.tolist()) == ([4, 5], ["unsure", "remove"])
    assert notes == ["--decisions: several decisions about 1 examples (first 4): the last counts"]


def test_what_label_studio_exports_is_read_by_the_names_of_classes(tmp_path):
    numbers = data(class_names=("1", "2", "3"))
    sha256 = data_sha256(numbers.train)
    header = '"annotation_id","annotator","data_sha256","file","given","id","image","label","lead_time","source_id"\n'
    rows = f'0,"1","{sha256}","a.png","1",7,"/d?=a","2","",0\n1,"1","{sha256}","b.png","2",8,"/d?=b","","",1\n'
    decisions, _ = read(tmp_path, header + rows, numbers)
    assert decisions.ids.tolist() == [0, 1]
    assert (decisions.decisions.tolist(), decisions.labels.tolist()) == (["label", "unsure"], [1, -1])
    with pytest.raises(UserError, match="be of --dataset=folder:photos as it is now"):
        read(tmp_path, header + rows, data(labels=np.roll(LABELS, 1)))
    with pytest.raises(UserError, match=r"names of classes \(1, 2, 3\).* Received: label 4 of id 0"):
        read(tmp_path, header + rows.replace('"2","",0', '"4","",0'), numbers)


def test_it_is_bound_to_labels_and_files_but_not_to_the_place():
    names = [f"a/{i}.png" for i in range(8)]
    bound = data_sha256(data(names).train)
    assert bound == data_sha256(data([f"/elsewhere/{name}" for name in names]).train)
    assert (
        bound
        == hashlib.sha256(
            (
                hashlib.sha256(LABELS.astype("<i4").tobytes()).hexdigest()
                + "\0"
                + "\0".join(os.path.basename(name) for name in names)
            ).encode()
        ).hexdigest()
    )
    others = [data(), data(names[::-1]), data(names, labels=np.roll(LABELS, 1))]
    assert bound not in [data_sha256(other.train) for other in others]


REFUSED = [
    ("example_id,label\n", r"be CSV with a header that has example_id and decision. Received: 'example_id,label'"),
    ("", "be CSV with a header"),
    ("example_id,decision,label\n8,keep,1\n", r"have ids in \[0, 8\) of the training set. Received: example_id '8' in"),
    ("example_id,decision,label\n-1,keep,1\n", r"Received: example_id '-1' in line 2"),
    ("source_id,decision,label\none,keep,1\n", r"Received: source_id 'one' in line 2"),
    ("example_id,decision,label\n1,drop,1\n", "one of keep, label, remove, unsure. Received: 'drop' in line 2"),
    ("example_id,decision,label\n1,label,\n", "say what the label is where the decision is label. Received: none"),
    ("example_id,decision,label\n1,label,-1\n", "say what the label is where the decision is label. Received: none"),
    ("example_id,decision,label\n1,label,bird\n", "Received: label bird of id 1"),
    ("example_id,decision,class\n1,label,1\n", "Received: label 1 of id 1"),
    ("example_id,decision,label\n1,label,3\n", "Received: label 3 of id 1"),
    ("example_id,decision,label\n1,label,0\n2,label,dog\n", "Received: label 0 of id 1"),
    ("example_id,decision,label\n1,label,0\n2,la", "be whole: a row has another number of fields"),
    ("example_id,decision,label\n1,label,0\n2,label,1", "be whole: end with a line. Received: 2 rows in .*cut short"),
    ('example_id,decision,label\n1,label,"0\n', "be whole CSV in UTF-8"),
    ("example_id,decision,label,rows\n1,label,0,3\n2,keep,1,3\n", "be whole: 3 rows.*Received: 2 rows in .*cut short"),
    ("example_id,decision,label,rows\n1,label,0,x\n", "say in rows how many rows there are. Received: 'x'"),
    ("example_id,decision,label,data_sha256\n1,label,0,abc\n", r"be of --dataset=folder:photos.*Received: abc\.\.\."),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_bad_files_are_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(UserError, match=f"--decisions must .*{message}") as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(UserError, match=r"--decisions must be a readable file \(No such file or directory\)"):
        read_decisions(str(tmp_path / "none.csv"), data())
    (tmp_path / "d.csv").write_bytes(b"example_id,decision\n\xff\xfe")
    with pytest.raises(UserError, match="be whole CSV in UTF-8"):
        read_decisions(str(tmp_path / "d.csv"), data())


def test_a_class_that_loses_its_last_example():
    check_classes_left(np.array([0, 0, 1]), np.array([0, 1]), ("cat", "dog", "cow"), "d.csv")
    with pytest.raises(UserError, match=r"leave an example of each class. Received: none left of class 1 \(dog\) in d"):
        check_classes_left(np.array([0, 0, 1]), np.array([0, -1]), ("cat", "dog", "cow"), "d.csv")
