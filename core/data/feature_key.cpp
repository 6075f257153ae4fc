#include "core/data/feature_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>

#include "core/data/feature_layout.h"
#include "core/data/input_files.h"
#include "core/platform/program_path.h"
#include "core/platform/sha256.h"
#include "core/suite/toml_writer.h"
#include "core/text/load_tokenizer.h"

namespace berth::data {
namespace fs = std::filesystem;
namespace {

// Each part with its name and size in front, so that no two lists of them are one text.
class Key {
 public:
  void add(std::string_view name, std::string_view part) {
    std::string sizes;
    layout::put(sizes, std::uint64_t{name.size()});
    layout::put(sizes, std::uint64_t{part.size()});
    hash_.add(sizes);
    hash_.add(name);
    hash_.add(part);
  }
  void add_file(std::string_view name, const fs::path& file) { add(name, platform::sha256_of(file).hex); }

  std::string hex() { return hash_.hex(); }

 private:
  platform::Sha256 hash_;
};

void add_named_files(const suite::ConfigValue& value, Key& key) {
  if (const auto* text = std::get_if<std::string>(&value.value)) {
    std::error_code none;
    if (fs::is_regular_file(*text, none)) key.add_file("named file", *text);
  } else if (const auto* array = std::get_if<suite::ConfigArray>(&value.value)) {
    for (const auto& element : array->values) add_named_files(element, key);
  } else if (const auto* table = std::get_if<suite::ConfigTable>(&value.value)) {
    for (const auto& entry : table->entries) add_named_files(entry.value, key);
  }
}

// In the order of the keys, which says nothing.
void add_table(std::string_view name, const suite::ConfigTable& table, Key& key) {
  auto entries = table.entries;
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  key.add(name, fmt::format("{}", entries.size()));
  for (const auto& entry : entries) {
    key.add(entry.key, suite::to_toml(entry.value));
    add_named_files(entry.value, key);
  }
}

}  // namespace

std::string feature_key(const plugin::LoadedTask& task, const FeatureOptions& options, const fs::path& model_folder) {
  const auto& set = *task.config().train;
  Key key;
  key.add("format", fmt::format("{}", layout::kFormat));
  key.add("berth", fmt::format("{}.{}.{}", BERTH_SDK_VERSION_MAJOR, BERTH_SDK_VERSION_MINOR, BERTH_SDK_VERSION_PATCH));
  if (const auto program = platform::program_path(); !program.empty()) key.add_file("program", program);
  key.add_file("plugin", task.file());
  key.add("id", task.config().plugin);
  for (const auto& file : text::tokenizer_files(model_folder)) key.add_file(file.filename().string(), file);
  key.add("max_length", fmt::format("{}", options.max_length));
  key.add("dtype", fmt::format("{}", static_cast<int>(c10::typeMetaToScalarType(options.reals.dtype()))));
  add_table("options", task.config().options, key);
  add_table("data", set.data, key);
  for (const auto& file : input_files(set.path)) key.add_file(file.path.filename().string(), file.path);
  return key.hex();
}

}  // namespace berth::data
