// berth predict: JSON lines in, JSON lines out.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <boost/program_options/value_semantic.hpp>
#include <fstream>
#include <iostream>

#include "apps/berth/commands.h"
#include "apps/berth/trained_run.h"
#include "core/report/prediction_line.h"

namespace berth::app {
namespace po = boost::program_options;
namespace {

Usage usage() {
  Usage usage;
  usage.line = "berth predict RUN_DIR --task NAME [options]";
  usage.summary =
      "Answers each line of the input, a JSON object with the fields of a row of the task's files (labels may be left "
      "out),\nby the same object with `task`, `prediction` and what else the task has to say.";
  usage.examples =
      "  echo '{\"text\": \"Where is my parcel?\"}' | berth predict runs/quickstart --task inbox\n"
      "  berth predict runs/quickstart --task inbox --input mails.jsonl --output answers.jsonl\n";
  usage.positional.add("run", 1);
  usage.options.add_options()("task", po::value<std::string>()->value_name("NAME"), "the task to answer with")(
      "input", po::value<std::string>()->value_name("FILE"), "default: standard input")(
      "output", po::value<std::string>()->value_name("FILE"), "default: standard output");
  add_run_options(usage.options);
  return usage;
}

// Whether a read from standard input would wait: then what was read so far is answered, for those who type or pipe.
bool would_wait(std::istream& in) {
  if (&in != &std::cin || in.rdbuf()->in_avail() > 0) return false;
  pollfd descriptor{STDIN_FILENO, POLLIN, 0};
  return poll(&descriptor, 1, 0) == 0;
}

struct InputLine {
  std::string text;
  std::int64_t number;
};

// Keeps to the lines it is given: `input` is repeated in each answer as it came.
class Predictor {
 public:
  Predictor(training::Session& session, training::TaskSession& task, const suite::DataSetConfig& set)
      : session_(session), task_(task), reader_(task.task.make_reader(set)) {}

  void answer(const std::vector<InputLine>& lines, const std::string& source, std::ostream& out) {
    data::Examples examples;
    for (const auto& line : lines) {
      const Where where{source, line.number};
      examples.push_back(
          plugin::guarded(task_.task.site("from_json"), [&] { return reader_->from_json(line.text, where); }));
      if (!examples.back()) throw Error(ErrorKind::kPlugin, where, task_.task.owner() + ", from_json: gave no example");
      examples.back()->where = where;
    }
    if (examples.empty()) return;
    const auto data = data::make_task_data(task_.task, "input", std::move(examples), data::Keep::kExamples,
                                           session_.feature_options());
    std::size_t next = 0;
    evaluation::predict(session_.model_of(task_), data, session_.evaluation_options(),
                        [&](const Example&, const Prediction& prediction) {
                          out << report::prediction_line(lines[next++].text, task_.task.name(), prediction.json())
                              << '\n';
                        });
    out.flush();
  }

 private:
  training::Session& session_;
  training::TaskSession& task_;
  std::unique_ptr<DatasetReader> reader_;
};

void answer_all(Predictor& predictor, std::int64_t batch_size, std::istream& in, const std::string& source,
                std::ostream& out, const std::string& target) {
  std::vector<InputLine> lines;
  std::string text;
  std::int64_t number = 0;
  const auto flush = [&] {
    predictor.answer(lines, source, out);
    lines.clear();
    if (!out) throw Error(ErrorKind::kIo, {target}, "can't be written; is the disk full?");
  };
  while (std::getline(in, text)) {
    ++number;
    if (text.find_first_not_of(" \t\r") != std::string::npos) lines.push_back({text, number});
    if (static_cast<std::int64_t>(lines.size()) >= batch_size || would_wait(in)) flush();
  }
  flush();
}

}  // namespace

int predict(const Arguments& arguments) {
  auto command = usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto run = open_run(*values, required(*values, "run", "usage: " + command.line));
  const auto name = required(*values, "task", "give --task NAME");
  auto session = run.open(name);
  auto& task = session.find(name);
  const auto& config = task.task.config();
  Predictor predictor(session, task, config.dev ? *config.dev : *config.train);

  std::ifstream file_in;
  std::ofstream file_out;
  const auto source = values->contains("input") ? (*values)["input"].as<std::string>() : "standard input";
  const auto target = values->contains("output") ? (*values)["output"].as<std::string>() : "standard output";
  if (values->contains("input")) {
    file_in.open(source, std::ios::binary);
    if (!file_in) throw Error(ErrorKind::kIo, {source}, "can't be read; is the path right?");
  }
  if (values->contains("output")) {
    file_out.open(target, std::ios::binary);
    if (!file_out) throw Error(ErrorKind::kIo, {target}, "can't be written; does its folder exist?");
  }
  std::ios::sync_with_stdio(false);
  answer_all(predictor, session.suite.evaluation.batch_size, values->contains("input") ? file_in : std::cin, source,
             values->contains("output") ? file_out : std::cout, target);
  return 0;
}

}  // namespace berth::app
