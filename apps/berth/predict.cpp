// berth predict: JSON lines in, JSON lines out.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <boost/program_options/value_semantic.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include "apps/berth/commands.h"
#include "apps/berth/trained_run.h"
#include "core/data/compression.h"
#include "core/data/unpack.h"
#include "core/report/prediction_line.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace po = boost::program_options;

Usage predict_usage() {
  Usage usage;
  usage.line = "berth predict RUN_DIR --task NAME [options]";
  usage.summary =
      "Answers each line of the input, a JSON object with the fields of a row of the task's files (labels may be left "
      "out),\nby the same object with `task`, `prediction` and what else the task has to say.";
  usage.examples =
      "  echo '{\"text\": \"Where is my parcel?\"}' | berth predict runs/quickstart --task inbox\n"
      "  berth predict runs/quickstart --task inbox --input mails.jsonl --output answers.jsonl\n"
      "  berth predict runs/quickstart --task inbox --input mails.jsonl.gz --output answers.jsonl.zst\n";
  usage.positional.add("run", 1);
  usage.options.add_options()("task", po::value<std::string>()->value_name("NAME"), "the task to answer with")(
      "input", po::value<std::string>()->value_name("FILE"),
      "may be gzip or zstd; default: standard input, which is plain text")(
      "output", po::value<std::string>()->value_name("FILE"),
      "default: standard output; compressed, where it ends in .gz or .zst");
  add_run_options(usage.options);
  return usage;
}

namespace {

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

  // A bad line throws once those before it are answered.
  void answer(const std::vector<InputLine>& lines, const std::string& source, std::ostream& out) {
    auto data = data::empty_task_data(task_.task, "input", session_.feature_options());
    std::exception_ptr bad;
    for (const auto& line : lines) {
      try {
        data::add_input(task_.task, task_.task.from_json(*reader_, line.text, {source, line.number}),
                        session_.feature_options(), data);
      } catch (const Error&) {
        bad = std::current_exception();
        break;
      }
    }
    std::size_t next = 0;
    evaluation::predict(
        session_.model_of(task_), data, session_.evaluation_options(),
        [&](const Example&, const Prediction& prediction) {
          out << report::prediction_line(lines[next++].text, task_.task.name(), task_.task.json(prediction)) << '\n';
        });
    out.flush();
    if (bad) std::rethrow_exception(bad);
  }

 private:
  training::Session& session_;
  training::TaskSession& task_;
  std::unique_ptr<DatasetReader> reader_;
};

void answer_all(Predictor& predictor, std::int64_t batch_size, std::istream& in, const std::string& source,
                std::ostream& out) {
  std::vector<InputLine> lines;
  std::string text;
  std::int64_t number = 0;
  const auto flush = [&] {
    predictor.answer(lines, source, out);
    lines.clear();
    if (!out) throw Error(ErrorKind::kIo, "the answers can't be written; is the disk full?");
  };
  while (std::getline(in, text)) {
    ++number;
    if (text.find_first_not_of(" \t\r") != std::string::npos) lines.push_back({text, number});
    if (static_cast<std::int64_t>(lines.size()) >= batch_size || would_wait(in)) flush();
  }
  if (in.bad()) throw Error(ErrorKind::kIo, {source, number + 1}, "can't be read");
  flush();
}

// Answers go to FILE.part, which becomes FILE at the end: what was there, the input even, is not lost to a bad line.
// What was answered before an error stays in FILE.part, which is never compressed.
void write_answers(const std::string& file, const std::function<void(std::ostream&)>& write) {
  const auto part = file + ".part";
  std::ofstream out(part, std::ios::binary);
  if (!out) throw Error(ErrorKind::kIo, {part}, "can't be written; does its folder exist?");
  write(out);
  out.close();
  if (!out) throw Error(ErrorKind::kIo, {part}, "can't be written; is the disk full?");
  const auto compression = data::compression_by_name(file);
  if (compression == data::Compression::kNone) {
    fs::rename(part, file);
  } else {
    data::compress_file(part, file, compression);
    fs::remove(part);
  }
}

}  // namespace

int predict(const Arguments& arguments) {
  auto command = predict_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto run = open_run(*values, required(*values, "run", "usage: " + command.line));
  const auto name = required(*values, "task", "give --task NAME");
  auto session = run.open(name);
  auto& task = session.find(name);
  const auto& config = task.task.config();
  Predictor predictor(session, task, config.dev ? *config.dev : *config.train);

  std::ifstream file_in;
  const fs::path input = values->contains("input") ? (*values)["input"].as<std::string>() : data::kStandardInput;
  const auto source = data::display_name(input);
  if (input != data::kStandardInput) {
    // A pipe is answered as it comes, and not unpacked: it may never end.
    const auto path = fs::is_fifo(input) ? input : data::UnpackedFiles::of_process().plain(input).path;
    file_in.open(path, std::ios::binary);
    if (!file_in || fs::is_directory(input)) throw Error(ErrorKind::kIo, {source}, "can't be read; is it a file?");
  }
  std::istream& in = input != data::kStandardInput ? file_in : std::cin;
  std::ios::sync_with_stdio(false);
  const auto batch_size = session.suite.evaluation.batch_size;
  if (values->contains("output")) {
    write_answers((*values)["output"].as<std::string>(),
                  [&](std::ostream& out) { answer_all(predictor, batch_size, in, source, out); });
  } else {
    answer_all(predictor, batch_size, in, source, std::cout);
  }
  return 0;
}

}  // namespace berth::app
