"""The page: hostile names, self-containedness, size; what it shows is read back from its HTML."""

import dataclasses
import html.parser
import json
import re

import numpy as np

from ieg_fsr.audit.findings import Findings
from ieg_fsr.audit.page import LARGEST_GALLERY, PageContents, page
from ieg_fsr.audit.thumbnails import thumbnail_sheets
from ieg_fsr.data.labels.truth import CHANGES, KNOWN
from ieg_fsr.data.sources.image_source import ArraySource

HOSTILE = ("</script><script>alert(1)</script>", "a\"b'c<!--", "日本\u2028& <img src=x onerror=alert(2)>")


class Reader(html.parser.HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.texts.append((self.tags[-1] if self.tags else "", data))


def findings(examples=60, suspects=12, names=HOSTILE):
    rng = np.random.default_rng(0)
    classes = len(names)
    given = rng.integers(0, classes, examples)
    suspect = np.arange(examples) < suspects
    return Findings(
        example_ids=np.arange(examples), source_ids=np.arange(examples),
        names=np.array([f"<b>{i}&.png" for i in range(examples)], object),
        given_labels=given, suggested_labels=np.where(suspect, (given + 1) % classes, given),
        confidences=rng.random(examples), weights=rng.random(examples), scores=np.arange(examples) - 100.0,
        suspects=suspect, true_labels=None, class_names=names,
    )  # fmt: skip


def contents(found, sheets=None, **changes):
    return PageContents(
        "<i>title</i>", {"<u>fact</u>": HOSTILE[0]}, ["<b>notice"], found, sheets, [], None, "ab" * 32
    )._replace(**changes)


def gallery(text):
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(data)


def test_hostile_names_stay_text():
    text = page(contents(findings()))
    reader = Reader(text)
    assert reader.tags.count("script") == 2
    assert not {"img", "b", "i", "u"} & (set(reader.tags) - {"i"})
    assert reader.tags.count("i") == sum(1 for tag, *_ in reader.attributes if tag == "i")  # keys of legends only
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    assert gallery(text)["classNames"] == list(HOSTILE)
    headings = [data for tag, data in reader.texts if tag == "th"]
    assert set(HOSTILE) <= set(headings)


def test_nothing_is_loaded():
    text = page(contents(findings(), epochs=[{"train_loss": 1.0}, {"train_loss": 0.5}]))
    reader = Reader(text)
    assert [
        value for _, name, value in reader.attributes if name in ("src", "href") and not value.startswith("#")
    ] == []
    assert "http://" not in text
    assert "https://" not in text
    [policy] = [value for tag, name, value in reader.attributes if name == "content" and "default-src" in value]
    assert policy.startswith("default-src 'none';")


def test_the_gallery_has_the_suspects_and_their_pictures():
    source = ArraySource(np.zeros((60, 8, 8, 1), np.uint8), np.zeros(60, int))
    data = gallery(page(contents(findings(), thumbnail_sheets(source, np.arange(12)))))
    assert (data["suspects"], data["pictures"], len(data["sheets"])) == (12, 12, 1)
    assert data["columns"]["id"] == list(range(12))
    assert data["columns"]["name"][3] == "<b>3&.png"


def test_without_pictures_and_weights_it_is_a_table():
    unknown = dataclasses.replace(findings(), weights=None, scores=np.full(60, -np.inf))
    data = gallery(page(contents(unknown)))
    assert data["pictures"] == 0
    assert data["columns"]["weight"] == [None] * 12
    assert data["columns"]["score"] == [None] * 12


def test_decisions_are_bound_to_the_data_and_kept_apart_by_findings():
    found = findings()
    data = gallery(page(contents(found)))
    assert (data["dataSha256"], data["columns"]["source"]) == ("ab" * 32, list(range(12)))
    others = [
        contents(found, data_sha256="cd" * 32),
        contents(dataclasses.replace(found, suggested_labels=found.given_labels)),
        contents(findings(suspects=11)),
    ]
    assert len({data["key"], *(gallery(page(other))["key"] for other in others)}) == 4
    assert gallery(page(contents(findings())))["key"] == data["key"]


def test_the_matrix_has_the_counts():
    found = findings()
    buttons = re.findall(r'data-given="(\d)" data-suggested="(\d)">(\d+)<', page(contents(found)))
    expected = {
        (str(given), str((given + 1) % 3)): int(np.sum(found.suspects & (found.given_labels == given)))
        for given in range(3)
    }
    assert {(given, suggested): int(count) for given, suggested, count in buttons} == expected


def test_classes_that_are_mixed_up_are_named():
    text = page(contents(findings()))
    assert "Mixed up with each other" not in text
    given = np.arange(60) % 2
    mixed = dataclasses.replace(findings(), given_labels=given, suggested_labels=1 - given)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; and a&quot;b&#x27;c&lt;!--: 6 and 6 suspects</li>" in page(
        contents(mixed)
    )


def test_many_classes_are_listed_by_pairs():
    text = page(contents(findings(names=tuple(f"class {i}" for i in range(40)))))
    assert "most frequent pairs of 40 classes" in text
    assert len(re.findall("data-given", text)) <= 12


def test_curves_speak_of_right_labels_only_where_they_are_known():
    epochs = [{"test_accuracy": 0.5, "weight_clean": 1.0, "weight_noisy": 0.5}] * 3
    assert "wrong labels" not in page(contents(findings(), epochs=epochs))
    assert "wrong labels" in page(contents(findings(), epochs=epochs, truth=KNOWN))
    changed = page(contents(findings(), epochs=epochs, truth=CHANGES))
    assert "wrong labels" not in changed
    assert "changed labels" in changed


def test_five_thousand_suspects_of_noise_stay_under_15_mb():
    images = np.random.default_rng(0).integers(0, 256, (500, 64, 64, 3), np.uint8)

    class Repeated(ArraySource):
        def images(self, ids):
            return super().images(np.asarray(ids) % 500)

    count = LARGEST_GALLERY + 1000
    sheets = thumbnail_sheets(Repeated(images, np.zeros(500, int)), np.arange(LARGEST_GALLERY))
    text = page(contents(findings(count, count), sheets))
    assert gallery(text)["suspects"] == count
    assert gallery(text)["pictures"] == LARGEST_GALLERY
    assert len(text.encode()) < 15_000_000
    assert len(text.encode()) > 1_000_000
