#include "core/suite/new_suite.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/suite/resolve_path.h"
#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

constexpr std::size_t kMostComment = 110;

// A line of TOML; a comment that came from elsewhere can't end it.
class Lines {
 public:
  void section(const std::string& name) { text_ += fmt::format("\n[{}]\n", name); }

  void key(const std::string& key, const std::string& value, const std::string& comment) {
    auto line = fmt::format("{} = {}", toml_key(key), value);
    if (!comment.empty()) line = fmt::format("{:<28}  # {}", line, one_line(comment));
    text_ += line + "\n";
  }

  void comment(const std::string& text) { text_ += fmt::format("# {}\n", one_line(text)); }

  std::string take() { return std::move(text_); }

 private:
  static std::string one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
    return text;
  }

  std::string text_;
};

// Beside the suite or near it: relative, so that both can move; else absolute.
std::string path_value(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const auto relative = path.lexically_relative(folder);
  const auto climbs = std::count(relative.begin(), relative.end(), std::filesystem::path(".."));
  return path_to_toml(relative.empty() || climbs > 2 || relative == "-" ? path : relative);  // "-": standard input
}

std::int64_t max_length_of(const DataFacts& facts) {
  constexpr std::int64_t kLengths[] = {32, 64, 96, 128, 192, 256};
  const auto usual = facts.usual_length.value_or(128);
  auto length = kLengths[std::size(kLengths) - 1];
  for (const auto candidate : kLengths) {
    if (candidate < usual) continue;
    length = candidate;
    break;
  }
  return std::min(length, facts.max_positions);
}

void write_model(const NewSuite& suite, const std::filesystem::path& folder, Lines& lines) {
  lines.section("model");
  if (suite.model.empty()) {
    lines.comment(
        "No model was found. Set the environment variable BERTH_MODEL to a folder with a BERT of the Hugging");
    lines.comment("Face layout (config.json, vocab.txt, model.safetensors), or write the folder's path here.");
    lines.key("path", "\"${BERTH_MODEL}\"", "");
  } else {
    lines.key("path", path_value(suite.model, folder), "the BERT to fine-tune");
  }
  const auto& facts = suite.facts;
  const auto about = facts.usual_length
                         ? fmt::format(
                               "tokens; 95% of the sequences have no more than {}, longer ones are cut or read "
                               "in windows",
                               *facts.usual_length)
                         : "tokens a sequence; longer ones are cut or read in windows";
  lines.key("max_length", to_toml(max_length_of(facts)), about);
}

// Some 500 steps teach a pre-trained encoder most tasks; large sets need three times through.
void write_training(const DataFacts& facts, Lines& lines) {
  const std::int64_t batch_size = facts.examples < 500 ? 8 : facts.examples < 5000 ? 16 : 32;
  const auto steps_an_epoch = std::max<std::int64_t>(1, facts.examples / batch_size);
  const std::int64_t most = facts.has_large_head ? 40 : 20;
  const std::int64_t steps = facts.has_large_head ? 2000 : 500;
  const auto epochs = std::clamp<std::int64_t>(steps / steps_an_epoch, 3, most);
  lines.section("training");
  lines.key("epochs", to_toml(epochs),
            fmt::format("times through the training examples; the file has {}", facts.examples));
  lines.key("batch_size", to_toml(batch_size), "sequences a step");
  lines.key("seed", "42", "the same seed gives the same model");
  lines.section("optimizer");
  const auto is_small = facts.hidden_size <= 512;
  lines.key("rate", is_small ? "5e-5" : "2e-5",
            is_small ? "at its peak; larger encoders like 2e-5" : "at its peak; small encoders like 5e-5");
}

void write_task(const NewSuite& suite, const std::filesystem::path& folder, Lines& lines) {
  lines.section("tasks." + toml_key(suite.task));
  lines.key("plugin", to_toml(suite.plugin), fmt::format("its options: berth plugins {}", suite.plugin));
  lines.key("train", path_value(suite.train, folder), "");
  if (suite.dev.empty()) {
    lines.key("split", suite.facts.examples < 100 ? "0.2" : "0.1",
              "share of train that scores the training; dev = \"FILE\" in its place, if you have one");
  } else {
    lines.key("dev", path_value(suite.dev, folder), "scores the training; never trained on");
  }
  if (suite.facts.has_large_head) lines.key("head_rate", "1e-3", "what is new on top of the encoder has more to learn");
  const auto table = [&](const char* name, const std::vector<NewKey>& keys) {
    if (keys.empty()) return;
    lines.section(fmt::format("tasks.{}.{}", toml_key(suite.task), name));
    for (const auto& [key, value, comment] : keys) {
      lines.key(key, value, comment.size() > kMostComment ? std::string() : comment);
    }
  };
  table("data", suite.data);
  table("options", suite.options);
  if (suite.test.empty()) return;
  lines.section(fmt::format("tasks.{}.sets", toml_key(suite.task)));
  lines.key("test", path_value(suite.test, folder), "scored once, at the end");
}

// For a name: a-z, 0-9, '_' and '-'.
std::string plain(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (is_upper || is_kept) {
      result += is_upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!result.empty() && result.back() != '-') {
      result += '-';
    }
  }
  while (!result.empty() && (result.back() == '-' || result.back() == '_')) result.pop_back();
  return result.substr(0, 40);
}

}  // namespace

std::string new_suite_text(const NewSuite& suite, const std::filesystem::path& file) {
  const auto folder = file.parent_path();
  Lines lines;
  lines.comment("Made by: " + suite.made_of);
  lines.comment(
      "Paths count from this file's folder. Every key, with its default, is in berth's configs/reference.md.");
  write_model(suite, folder, lines);
  write_training(suite.facts, lines);
  write_task(suite, folder, lines);
  return lines.take();
}

std::string task_name_of(const std::filesystem::path& file) {
  auto stem = file.filename();
  if (stem.extension() == ".gz" || stem.extension() == ".zst") stem = stem.stem();
  stem = stem.stem();
  for (const auto& text : {stem.string(), file.parent_path().filename().string()}) {
    auto name = plain(text);
    const bool says_nothing = name == "train" || name == "training" || name == "data" || name == "all";
    if (!name.empty() && !says_nothing) return name;
  }
  return "task";
}

}  // namespace berth::suite
