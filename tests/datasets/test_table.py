import codecs
import sys
from pathlib import Path

import pandas as pd
import pytest
from image_trees import draw_image, draw_tree

from skresnet import load_image_table

ROWS = "path,class\na.png,cat\nb.png,dog\n"


@pytest.fixture
def photos(tmp_path):
    return draw_tree(tmp_path, "a.png", "b.png", "deep/c.png")


def write(folder, text, name="labels.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def names(paths):
    return [Path(path).name for path in paths]


def test_paths_are_relative_to_the_table_and_keep_its_order(photos, monkeypatch):
    table = write(photos, "path,class\nb.png,dog\ndeep/c.png,cat\na.png,cat\n")
    data = load_image_table(table)
    assert data.data.tolist() == [
        str(photos / n) for n in ("b.png", "deep/c.png", "a.png")
    ]
    assert data.target.tolist() == ["dog", "cat", "cat"]
    assert data.target_names == ["cat", "dog"]
    assert data.filenames is data.data
    assert data.groups is None
    assert data.unreadable == []
    assert "3 images of 2 classes" in data.DESCR
    monkeypatch.chdir(photos)
    assert load_image_table("labels.csv").data.tolist() == [
        "b.png",
        "deep/c.png",
        "a.png",
    ]


def test_absolute_paths_are_taken_as_they_are(photos, tmp_path_factory):
    elsewhere = draw_image(tmp_path_factory.mktemp("elsewhere") / "x.png")
    table = write(photos, f"path,class\n{elsewhere},cat\na.png,dog\n")
    assert load_image_table(table).data.tolist() == [elsewhere, str(photos / "a.png")]


def test_another_root_may_be_given(photos):
    (photos / "tables").mkdir()
    table = write(photos / "tables", ROWS)
    assert names(load_image_table(table, root=photos).data) == ["a.png", "b.png"]


@pytest.mark.parametrize("path", ["path", "File", " filename", "IMAGE", "filepath"])
@pytest.mark.parametrize("label", ["class", "Label", "target", "category "])
def test_columns_are_found_by_their_usual_names(photos, path, label):
    table = write(photos, f"id,{path},{label}\n1,a.png,cat\n2,b.png,dog\n")
    assert load_image_table(table).target.tolist() == ["cat", "dog"]


def test_columns_may_be_chosen(photos):
    table = write(photos, "x,label,y,class,set,who\na.png,1,cat,2,train,tom\n")
    data = load_image_table(
        table, path_column="x", class_column="y", split_column="set", group_column="who"
    )
    assert data.train.target.tolist() == ["cat"]
    assert data.train.groups.tolist() == ["tom"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_and_line_ends_of_spreadsheets_are_known(photos, delimiter, end):
    text = ROWS.replace(",", delimiter).replace("\n", end)
    (photos / "labels.csv").write_bytes(text.encode())
    assert load_image_table(photos / "labels.csv").target.tolist() == ["cat", "dog"]


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + ROWS.encode(),
        ROWS.encode("utf-16"),
        ("\n" + ROWS + "\n\n").encode(),
    ],
    ids=["UTF-8 with a mark", "UTF-16", "empty lines"],
)
def test_a_byte_order_mark_or_an_empty_line_loses_no_path(photos, content):
    (photos / "labels.csv").write_bytes(content)
    assert names(load_image_table(photos / "labels.csv").data) == ["a.png", "b.png"]


def test_names_with_commas_quotes_and_apostrophes_are_read(tmp_path):
    odd = ["one, two.png", 'quo"te.png', "=sum.png", "'quoted'.png"]
    draw_tree(tmp_path, *odd)
    text = '"one, two.png",a\n"quo""te.png",b\n\'=sum.png,\'-c\n\'\'quoted\'.png,d\n'
    data = load_image_table(write(tmp_path, "path,class\n" + text))
    assert names(data.data) == odd
    assert data.target.tolist() == ["a", "b", "-c", "d"]


def test_a_parquet_file_is_read_alike(photos):
    frame = pd.DataFrame({"image": ["a.png", "b.png"], "label": [3, 7]})
    frame.to_parquet(photos / "labels.parquet")
    data = load_image_table(photos / "labels.parquet")
    assert data.data.tolist() == [str(photos / "a.png"), str(photos / "b.png")]
    assert data.target.tolist() == ["3", "7"]


def test_a_column_of_splits_gives_splits(photos):
    table = write(
        photos,
        "path,class,split,subject\na.png,cat,Training,t\nb.png,dog,train,r\n"
        "deep/c.png,cat,TEST,k\n",
    )
    data = load_image_table(table)
    assert names(data.train.data) == ["a.png", "b.png"]
    assert names(data.test.data) == ["c.png"]
    assert data.train.groups.tolist() == ["t", "r"]
    assert data.target_names == ["cat", "dog"]
    with pytest.raises(AttributeError, match="no row has it in the column 'split'"):
        _ = data.val


def test_groups_in_two_splits_are_named(photos):
    table = write(
        photos, "path,class,split,group\na.png,cat,train,tom\nb.png,cat,test,tom\n"
    )
    with pytest.warns(UserWarning, match="more than one split has .*: 'tom'"):
        load_image_table(table)


def test_unicode_forms_of_a_class_are_one(photos):
    table = write(photos, "path,class\na.png,Caf\u00e9\nb.png,Cafe\u0301 \n")
    assert load_image_table(table).target_names == ["Caf\u00e9"]


def test_verify_takes_out_what_has_no_readable_header(photos):
    (photos / "bad.png").write_bytes(b"")
    table = write(photos, "path,class\na.png,cat\nbad.png,dog\nb.png,dog\n")
    data = load_image_table(table, verify=True)
    assert names(data.data) == ["a.png", "b.png"]
    assert data.target.tolist() == ["cat", "dog"]
    assert data.unreadable == [(str(photos / "bad.png"), "the file has zero bytes")]


def test_a_table_without_classes_is_for_pictures_to_predict(photos):
    table = write(photos, "file\na.png\nb.png\n")
    data = load_image_table(table, labelled=False)
    assert names(data.data) == ["a.png", "b.png"]
    assert data.target is None
    assert data.target_names == []
    assert load_image_table(write(photos, ROWS), labelled=False).target_names == [
        "cat",
        "dog",
    ]


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("x,class\na.png,cat\n", r"no column for the path.*'class', 'x'.*filename"),
            ("PK\0\1zip,\n", "cannot be read: it is no text.*load_image_folder"),
            ("path,x\na.png,cat\n", r"no column for the class.*label.*class_column"),
            ("a.png,cat\nb.png,dog\n", r"no column.*first line must name the columns"),
            ("", "no column for the path"),
            ("path,class\n", "no row below"),
            ("path,class,label\na.png,cat,dog\n", r"'class', 'label'.*class_column"),
            ("path,class\na.png,cat\nb.png,\n", r"'class' .* 1 row: line 3"),
            ("path,class\na.png,cat\n , dog\n", r"'path' .* 1 row: line 3"),
            ("path,class\na.png,cat,tabby\n", r"Line 2 .* 3 cells.*2 columns"),
            (
                "path,class\na.png,cat\na.png,dog\n",
                r"'a.png'.*'cat', 'dog'.*line 2, line 3",
            ),
            (
                "path,class,split\na.png,cat,fold1\n",
                r"'split'.*no split: 'fold1' \(line 2",
            ),
            (
                "path,class,split\na.png,cat,train\nb.png,Cat,test\n",
                r"test split has .* 'Cat'.*'Cat' is like 'cat'",
            ),
            ('path,class\n"a.png,cat\n', "cannot be read"),
        ],
    )
    def test_of_tables_name_the_file_and_the_place(self, photos, text, message):
        with pytest.raises(ValueError, match=message) as error:
            load_image_table(write(photos, text))
        assert str(photos / "labels.csv") in str(error.value)

    def test_of_missing_files_name_column_row_and_folder(self, photos):
        table = write(photos, "path,class\na.png,cat\ngone.png,dog\ndeep,dog\n")
        with pytest.raises(FileNotFoundError) as error:
            load_image_table(table)
        message = str(error.value)
        assert "2 of the 3 files in the column 'path'" in message
        assert "'gone.png', 'deep' (line 3, line 4)" in message
        assert f"{str(photos)!r}; give another folder with root" in message

    def test_of_a_column_that_is_not_there(self, photos):
        with pytest.raises(ValueError, match=r"group_column: .* no column 'who'"):
            load_image_table(write(photos, ROWS), group_column="who")

    def test_of_a_table_that_is_not_there_or_no_path(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"labels\.csv' cannot be opened"):
            load_image_table(tmp_path / "labels.csv")
        with pytest.raises(FileNotFoundError, match=r"labels\.parquet' cannot be op"):
            load_image_table(tmp_path / "labels.parquet")
        with pytest.raises(TypeError, match=r"table must be .* got DataFrame"):
            load_image_table(pd.DataFrame())

    def test_of_a_damaged_parquet_file(self, tmp_path):
        (tmp_path / "labels.parquet").write_bytes(b"PAR1 nonsense PAR1")
        with pytest.raises(ValueError, match=r"labels\.parquet' cannot be read"):
            load_image_table(tmp_path / "labels.parquet")

    def test_of_other_files_quote_nothing_of_them(self, tmp_path):
        table = write(tmp_path, "root:x:0:0:root:/root:/bin/bash\n", "passwd")
        for chosen in ({}, {"path_column": "path"}):
            with pytest.raises(ValueError, match="none of its columns") as error:
                load_image_table(table, **chosen)
            assert "root" not in str(error.value).replace(str(tmp_path), "")

    def test_of_images_inside_a_parquet_file_quote_nothing_of_them(self, tmp_path):
        frame = pd.DataFrame({"image": [{"bytes": b"secret"}], "label": ["cat"]})
        frame.to_parquet(tmp_path / "images.parquet")
        with pytest.raises(ValueError, match=r"'image' .* expected text") as error:
            load_image_table(tmp_path / "images.parquet")
        assert "secret" not in str(error.value)

    def test_of_parquet_without_pyarrow(self, photos, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(ImportError, match=r'pip install "skresnet\[parquet\]"'):
            load_image_table(photos / "labels.parquet")


def test_a_column_without_a_cell_says_nothing_unless_it_was_named_or_is_needed(photos):
    text = "path,class,split,group\na.png,cat,,\nb.png,dog, ,\n"
    data = load_image_table(write(photos, text))
    assert data.target.tolist() == ["cat", "dog"]
    assert data.groups is None
    with pytest.raises(ValueError, match=r"'split' .* is empty in 2 rows"):
        load_image_table(write(photos, text), split_column="split")
    for partly in (text.replace("dog, ,", "dog,val,"), text.replace("cat", "")):
        with pytest.raises(ValueError, match="is empty in 1 row: line"):
            load_image_table(write(photos, partly))
    with pytest.raises(ValueError, match=r"'class' .* is empty in 2 rows"):
        load_image_table(write(photos, "path,class\na.png,\nb.png,\n"))
