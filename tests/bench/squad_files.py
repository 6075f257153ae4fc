"""SQuAD files for the comparison of question answering: the first questions of one, and the official scores of answers.
needs: tf-models-official (tests/requirements-alone.txt)"""
import importlib.metadata
import importlib.util
import json
import logging
import pathlib


def first_questions(source, folder, count):
    """The first `count` questions, as a file of its own."""
    root = json.loads(pathlib.Path(source).read_text(encoding="utf-8"))
    left = count
    for article in root["data"]:
        for paragraph in article["paragraphs"]:
            paragraph["qas"] = paragraph["qas"][:left]
            left -= len(paragraph["qas"])
    file = pathlib.Path(folder) / "train.json"
    file.write_text(json.dumps(root), encoding="utf-8")
    return file


def questions(file):
    for article in json.loads(pathlib.Path(file).read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield {"context": paragraph["context"], **question}


def official_scores(file, predictions):
    """{"exact", "f1"} in percent, by the official script of SQuAD 1.1 on {id: text}."""
    script = next(f for f in importlib.metadata.files("tf-models-official") if f.name == "squad_evaluate_v1_1.py")
    spec = importlib.util.spec_from_file_location("squad_1_1", script.locate())
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    logging.disable(logging.ERROR)
    scores = module.evaluate(json.loads(pathlib.Path(file).read_text(encoding="utf-8"))["data"], predictions)
    return {"exact": 100 * scores["exact_match"], "f1": 100 * scores["final_f1"]}
