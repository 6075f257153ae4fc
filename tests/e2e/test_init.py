"""berth init: from a data file to a suite that runs."""
import gzip
import json
import pathlib
import tomllib

from program import BERTH, ProgramTest, rows

SENTENCES = [("Clara", "person"), ("Whitby", "place"), ("Ivo", "person"), ("Leeds", "place")]


class Init(ProgramTest):
    def setUp(self):
        super().setUp()
        for name in ("train.tsv", "dev.tsv", "suite.toml"):
            (self.dir / name).unlink()
        self.model = str(pathlib.Path(self.shared.name) / "model")

    def write(self, name, content):
        (self.dir / name).write_text(content, encoding="utf-8")

    def table(self, name, separator, header, pairs):
        lines = [separator.join(header)] * bool(header) + [separator.join(pair) for pair in pairs]
        self.write(name, "\n".join(lines) + "\n")

    def init(self, *arguments, code=0, model=True, **keywords):
        return self.berth("init", *arguments, *(["--model", self.model] if model else []), code=code, **keywords)

    def task_of(self, name):
        tasks = tomllib.loads((self.dir / f"{name}.toml").read_text(encoding="utf-8"))["tasks"]
        self.assertEqual(list(tasks), [name])
        return tasks[name]

    def runs(self, name):
        self.assertIn("all is well", self.berth("check", f"{name}.toml").stdout)
        self.berth("run", f"{name}.toml", "--out", "run", "--set", "training.steps=2", "--set", "analysis.at_end=false")
        self.assertEqual(self.json("run/summary.json")["steps"], 2)

    def test_a_table_with_a_header(self):
        pairs = [(str(i), "2024-05-01", text, label) for i, (text, label) in enumerate(rows(60, 1))]
        self.table("reviews.csv", ",", ("no", "written", "review", "mood"), pairs)
        said = self.init("reviews.csv").stdout
        task = self.task_of("reviews")
        self.assertEqual((task["plugin"], task["train"], task["data"]), ("classification", "reviews.csv", {
            "text": "review",
            "label": "mood"
        }))
        self.assertGreater(task["split"], 0)
        for text in ("classification", "'review'", "2 different values", "all is well", "berth run reviews.toml"):
            self.assertIn(text, said)
        self.runs("reviews")

    def test_a_table_without_a_header_and_its_neighbours(self):
        self.table("mails-train.tsv", "\t", (), rows(60, 1))
        self.table("mails-dev.tsv", "\t", (), rows(20, 2))
        self.table("mails-test.tsv", "\t", (), rows(20, 3))
        self.init("mails-train.tsv")
        task = self.task_of("mails-train")
        self.assertEqual(task["data"], {"columns": ["text", "label"], "text": "text", "label": "label"})
        self.assertEqual((task["dev"], task["sets"]), ("mails-dev.tsv", {"test": "mails-test.tsv"}))
        self.assertNotIn("split", task)
        self.runs("mails-train")

    def test_flags_go_before_guesses(self):
        pairs = [(text, text.upper(), label, str(i % 3)) for i, (text, label) in enumerate(rows(60, 1))]
        self.table("a.tsv", "\t", ("title", "body", "mood", "stars"), pairs)
        self.table("b.tsv", "\t", ("title", "body", "mood", "stars"), pairs[:20])
        self.init("a.tsv", "--dev", "b.tsv", "--test", "b.tsv", "--task", "classification", "--name", "stars", "--data",
                  "text=title", "--data", "label=stars", "--options", "kind=regression", "--out", "deep.toml")
        suite = tomllib.loads((self.dir / "deep.toml").read_text())
        task = suite["tasks"]["stars"]
        self.assertEqual(task["data"], {"text": "title", "label": "stars"})
        self.assertEqual(task["options"]["kind"], "regression")
        self.assertEqual((task["dev"], task["sets"]["test"]), ("b.tsv", "b.tsv"))

    def test_a_file_that_is_dev_is_no_test_set(self):
        (self.dir / "d").mkdir()
        for name, seed in (("train", 1), ("test", 2)):
            self.table(f"d/{name}.csv", ",", ("text", "label"), rows(60, seed))
        self.init("d/train.csv", "--out", "with.toml")
        self.init("d/train.csv", "--dev", "d/test.csv", "--out", "without.toml")

        def task(name):
            return [*tomllib.loads((self.dir / name).read_text())["tasks"].values()][0]

        self.assertEqual(task("with.toml")["sets"], {"test": "d/test.csv"})
        self.assertEqual(task("without.toml")["dev"], "d/test.csv")
        self.assertNotIn("sets", task("without.toml"))

    def test_paths_count_from_the_suite(self):
        (self.dir / "suites").mkdir()
        self.table("a.tsv", "\t", ("text", "label"), rows(60, 1))
        self.init("a.tsv", "--out", "suites/a.toml")
        task = tomllib.loads((self.dir / "suites/a.toml").read_text())["tasks"]["a"]
        self.assertEqual(task["train"], "../a.tsv")

    def test_words_and_tags(self):
        self.write("notes.conll", "".join(f"{name} B-{kind}\nsleeps O\n\n" for name, kind in SENTENCES * 10))
        self.init("notes.conll")
        self.assertEqual(self.task_of("notes")["plugin"], "ner")
        self.runs("notes")

    def test_marked_stretches(self):
        lines = [
            json.dumps({
                "body": f"{name} sleeps.",
                "spans": [{
                    "start": 0,
                    "end": len(name),
                    "label": kind
                }]
            }) for name, kind in SENTENCES * 10
        ]
        self.write("notes.jsonl", "\n".join(lines))
        self.init("notes.jsonl")
        task = self.task_of("notes")
        self.assertEqual((task["plugin"], task["data"]), ("ner", {"text": "body", "entities": "spans"}))
        self.runs("notes")

    def test_questions(self):
        articles = [{
            "title":
            str(i),
            "paragraphs": [{
                "context":
                f"{name} sleeps in town.",
                "qas": [{
                    "id": str(i),
                    "question": "who sleeps?",
                    "answers": [{
                        "text": name,
                        "answer_start": 0
                    }]
                }]
            }]
        } for i, (name, _) in enumerate(SENTENCES * 5)]
        self.write("leaflets.json", json.dumps({"data": articles}))
        self.init("leaflets.json")
        self.assertEqual(self.task_of("leaflets")["plugin"], "qa")
        self.runs("leaflets")

    def test_texts_to_write(self):
        pairs = [(f"a {count} day for {name}, please.", f"[order [count {count} ] [name {name} ] ]")
                 for name, _ in SENTENCES
                 for count in ("fine", "sad", "grey", "cold", "warm", "great", "happy", "good")]
        self.table("orders.tsv", "\t", ("source", "target"), pairs)
        self.init("orders.tsv")
        task = self.task_of("orders")
        self.assertEqual((task["plugin"], task["options"]["kind"]), ("seq2seq", "pointer"))
        self.assertGreater(task["head_rate"], 1e-4)
        self.runs("orders")

    def test_a_compressed_file(self):
        lines = ["text,label"] + [",".join(pair) for pair in rows(60, 1)]
        (self.dir / "mails.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
        self.init("mails.csv.gz")
        self.assertEqual(self.task_of("mails")["train"], "mails.csv.gz")
        self.runs("mails")

    def test_hostile_names_of_columns(self):
        names = ('te"xt\\ # ]', "[la=bel]'\N{SNOWMAN}")
        self.table("a.tsv", "\t", names, rows(60, 1))
        self.init("a.tsv")
        self.assertEqual(self.task_of("a")["data"], {"text": names[0], "label": names[1]})
        self.runs("a")

    def test_a_hostile_file_name(self):
        self.table("$(rm -rf x); ${HOME} [a]*.tsv", "\t", ("text", "label"), rows(60, 1))
        self.init("$(rm -rf x); ${HOME} [a]*.tsv")
        self.runs("rm-rf-x-home-a")

    def test_it_replaces_nothing(self):
        self.table("a.tsv", "\t", ("text", "label"), rows(60, 1))
        self.write("a.toml", "mine")
        self.assertIn("--force", self.init("a.tsv", code=6).stderr)
        self.assertEqual((self.dir / "a.toml").read_text(), "mine")
        self.init("a.tsv", "--force")
        self.assertEqual(self.task_of("a")["plugin"], "classification")

    def test_no_fit(self):
        self.write("novel.txt",
                   "It was a dark night, and it rained.\nNobody was there.\nShe went, slowly, alone, home.\n")
        error = self.init("novel.txt", code=3).stderr
        for text in ("novel.txt", "It was a dark night", "classification: needs", "SQuAD", "B-person", "--task"):
            self.assertIn(text, error)
        self.assertFalse((self.dir / "novel.toml").exists())

    def test_files_that_are_no_text(self):
        (self.dir / "a.csv").write_bytes(b"PK\x03\x04" + bytes(100))
        self.assertIn("save the sheet as CSV", self.init("a.csv", code=3).stderr)
        (self.dir / "b.csv").write_bytes("text,label\na,b\n".encode("utf-16"))
        self.assertIn("iconv", self.init("b.csv", code=3).stderr)
        (self.dir / "c.csv").write_bytes("text,label\ncaf\xe9,b\n".encode("cp1252"))
        self.assertIn("c.csv:2", self.init("c.csv", code=3).stderr)
        self.write("d.csv", "\n\n")
        self.assertIn("empty", self.init("d.csv", code=3).stderr)
        self.assertIn("nowhere.csv", self.init("nowhere.csv", code=6).stderr)

    def test_wrong_flags(self):
        self.table("a.tsv", "\t", ("text", "label"), rows(60, 1))
        for arguments, says in ((["--data", "txet=label"], "'text'"), (["--data", "text"], "KEY=VALUE"),
                                (["--task", "clasification"], "'classification'"), (["--name", "a b"], "--name"),
                                (["--task", "classification", "--options", "knid=x"], "'kind'")):
            self.assertIn(says, self.init("a.tsv", *arguments, code=2).stderr)
        self.assertIn("'text'", self.init("a.tsv", "--task", "classification", "--data", "text=txet", code=3).stderr)
        self.assertIn("config.json", self.berth("init", "a.tsv", "--model", str(self.dir), code=6).stderr)
        self.assertFalse((self.dir / "a.toml").exists())

    def test_data_that_is_not_sound_is_told_at_once(self):
        self.table("a.tsv", "\t", ("text", "label"), rows(60, 1))
        self.table("b.tsv", "\t", ("text", "label"), [("a fine day", "unheard of")])
        error = self.init("a.tsv", "--dev", "b.tsv", code=3).stderr
        for text in ("b.tsv:2", "unheard of", "a.toml is written", "berth check"):
            self.assertIn(text, error)

    def test_the_model_is_looked_for(self):
        self.table("a.tsv", "\t", ("text", "label"), rows(60, 1))
        (self.dir / "models").mkdir()
        (self.dir / "models/tiny").symlink_to(self.model)
        self.init("a.tsv", model=False, environment={"BERTH_MODEL": self.model})
        named = tomllib.loads((self.dir / "a.toml").read_text())["model"]["path"]
        self.assertEqual((self.dir / named).resolve(), pathlib.Path(self.model).resolve())
        beside_the_program = pathlib.Path(BERTH).parent / "../../deps/minilm"
        if not beside_the_program.exists():
            self.init("a.tsv", "--force", model=False)
            self.assertEqual(tomllib.loads((self.dir / "a.toml").read_text())["model"]["path"], "models/tiny")
            (self.dir / "models/tiny").unlink()
            self.assertIn("BERTH_MODEL", self.init("a.tsv", "--force", model=False).stdout)
            self.assertIn("BERTH_MODEL", self.berth("check", "a.toml", code=2).stderr)

    def answers(self, *arguments, answers):
        """Runs init on a terminal of its own, and gives the answers, a line each."""
        typed = "".join(answer + "\n" for answer in answers)
        environment = {"BERTH_MODEL": self.model}
        return self.on_a_terminal(BERTH, "init", *arguments, types=typed, environment=environment).decode()

    def test_it_asks_on_a_terminal(self):
        pairs = [(text, text.upper() + " and on", label) for text, label in rows(60, 1)]
        self.table("a.tsv", "\t", ("title", "body", "mood"), pairs)
        said = self.answers("a.tsv", answers=["", "boddy", "title", "", "", ""])
        for text in ("Which task", "no column 'boddy'", "[body]", "[mood]", "all is well"):
            self.assertIn(text, said)
        self.assertEqual(self.task_of("a")["data"], {"text": "title", "label": "mood"})
        self.runs("a")

    def test_enter_takes_the_guesses(self):
        self.table("a.tsv", "\t", ("text", "label"), rows(60, 1))
        self.answers("a.tsv", answers=[""] * 5)
        asked = (self.dir / "a.toml").read_text()
        self.init("a.tsv", "--force")
        self.assertEqual(asked.splitlines()[1:], (self.dir / "a.toml").read_text().splitlines()[1:])

    def test_yes_asks_nothing_on_a_terminal(self):
        self.table("a.tsv", "\t", ("text", "label"), rows(60, 1))
        self.assertNotIn("Which", self.answers("a.tsv", "--yes", answers=[]))
