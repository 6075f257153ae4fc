#include "core/suite/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "core/suite/declarations.h"
#include "core/suite/settle.h"
#include "core/suite/sweep_config.h"
#include "core/suite/toml_bounds.h"
#include "core/suite/toml_reader.h"
#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

std::string read_text(const std::filesystem::path& file) {
  std::error_code ignored;
  const Where where{file.string()};
  const auto status = std::filesystem::status(file, ignored);
  if (status.type() == std::filesystem::file_type::not_found) {
    throw Error(ErrorKind::kConfig, where, "there is no such suite; check the path");
  }
  if (status.type() == std::filesystem::file_type::directory) {
    throw Error(ErrorKind::kConfig, where, "this is a folder; name the suite, a .toml file");
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  std::array<char, 65536> block{};
  while (stream && text.size() <= kMaxTomlBytes) {  // more than is allowed, so that too long a file shows
    stream.read(block.data(), block.size());
    text.append(block.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (stream.bad() || (stream.fail() && !stream.eof())) {
    throw Error(ErrorKind::kIo, where, fmt::format("can't be read: {}", std::strerror(errno)));
  }
  return text;
}

// It may become the name of a folder.
void check_suite_name(const std::string& name, const Where& where) {
  const bool is_dots = name == "." || name == "..";
  bool is_good = !name.empty() && !is_dots && is_utf8(name);
  for (const unsigned char c : name) is_good = is_good && c >= 0x20 && c != 0x7f && c != '/';
  if (!is_good) {
    throw Error(ErrorKind::kConfig, where,
                "the suite's 'name' must not be empty, \".\" or \"..\", nor hold '/' or control characters, and must "
                "be UTF-8; give another");
  }
}

ConfigTable read_root(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  auto root = parse_toml(read_text(file), file.string());
  for (const auto& set : sets) apply_set(root, set);
  root.where = {file.string()};
  return root;
}

// For few examples: train long, with a warm-up and small batches, and with AdamW's bias correction, which here always
// is on (Mosbach, Andriushchenko & Klakow 2021, "On the Stability of Fine-tuning BERT", section 6; Zhang et al. 2021,
// "Revisiting Few-sample BERT Fine-tuning", sections 4 and 6).
Suite few_sample() {
  Suite suite;
  suite.training.epochs = 20;
  suite.training.batch_size = 16;
  suite.optimizer.rate = 2e-5;
  suite.schedule.kind = ScheduleKind::kLinear;
  suite.schedule.warmup = 0.1;
  return suite;
}

// Key by key, over the defaults; what keys say together is for settle().
Suite fill(const ConfigTable& root, const std::filesystem::path& file, Suite suite = {}) {
  suite.file = file;
  suite.name = file.stem().string();
  const auto folder = std::filesystem::absolute(file).parent_path();
  Section top("", folder);
  declare(top, suite);
  top.fill(root);
  return suite;
}

Suite fill_over_preset(const ConfigTable& root, const std::filesystem::path& file) {
  auto suite = fill(root, file);
  return suite.training.preset == Preset::kFewSample ? fill(root, file, few_sample()) : suite;
}

// That the suite takes what the choice sets.
void try_choice(const ConfigTable& root, const std::filesystem::path& file, const SweepChoice& choice,
                const Where& where) {
  auto changed = root;
  for (const auto& set : choice.sets) {
    try {
      apply_set(changed, set);
      fill(changed, file);
    } catch (const Error& error) {
      // The user wrote no --set.
      std::string text = error.what();
      const auto place = to_string(Where{"--set " + set});
      if (text.rfind(place, 0) == 0) text.erase(0, place.size());
      throw Error(error.kind(), where, fmt::format("[sweep], {}: {}", set, text));
    }
  }
}

SweepConfig checked_sweep(const ConfigTable& root, const std::filesystem::path& file) {
  auto config = read_sweep_section(*root.find("sweep"), Section("sweep", {}));
  auto without = root;
  without.entries.erase(std::remove_if(without.entries.begin(), without.entries.end(),
                                       [](const ConfigEntry& entry) { return entry.key == "sweep"; }),
                        without.entries.end());
  for (const auto& setting : config.settings) {
    for (const auto& choice : setting.choices) try_choice(without, file, choice, setting.where);
    if (!setting.range) continue;
    for (const double end : {setting.range->from, setting.range->to}) {
      try_choice(without, file, choice_of(setting, end), setting.where);
    }
  }
  return config;
}

}  // namespace

Suite read_suite(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  const auto root = read_root(file, sets);
  auto suite = fill_over_preset(root, file);
  settle(suite);
  const auto* name = root.find("name");
  check_suite_name(suite.name, name != nullptr ? name->where : root.where);
  if (root.find("sweep") != nullptr) checked_sweep(root, file);
  return suite;
}

SweepConfig read_sweep(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  const auto root = read_root(file, sets);
  if (root.find("sweep") == nullptr) {
    throw Error(
        ErrorKind::kConfig, root.where,
        "the suite has no [sweep], so there is nothing to try; add [sweep.over] with a key and its values, such "
        "as \"optimizer.rate\" = [1e-5, 3e-5]");
  }
  return checked_sweep(root, file);
}

std::string to_toml(const Suite& suite) {
  auto copy = suite;  // a declaration binds variables that could be written to
  Section top("", std::filesystem::path());
  declare(top, copy);
  return top.to_toml();
}

}  // namespace berth::suite
