#include "core/serve/input_form.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <variant>

#include "core/model/json_text.h"
#include "core/suite/option_binder.h"

namespace berth::serve {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

// Each number of fields is tried with all names; what needs more is asked for as JSON.
constexpr std::size_t kMostFields = 3;
constexpr std::size_t kMostNames = 16;

void add_name(Names& names, const std::string& name) {
  if (name.empty() || names.size() >= kMostNames) return;
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// Texts among the reader's options that are none of a few choices: the names of columns, in the order of declaration.
// After these, the row's own.
Names candidates(const plugin::LoadedTask& task, DatasetReader& reader, const Json& row) {
  suite::OptionBinder binder;
  plugin::guarded(task.site("describe of the reader"), [&] { reader.describe(binder); });
  Names names;
  for (const auto& field : binder.fields()) {
    const auto* const* text = std::get_if<std::string*>(&field.target);
    if (text != nullptr && field.choices.empty()) add_name(names, **text);
  }
  for (const auto& [key, value] : row.items()) {
    if (value.is_string() && key != "task" && key != "prediction") add_name(names, key);
  }
  return names;
}

Json row_of(const Names& fields, const Json& known, const std::string& otherwise) {
  Json row = Json::object();
  for (const auto& field : fields) {
    const auto found = known.find(field);
    row[field] = found != known.end() && found->is_string() ? *found : Json(otherwise);
  }
  return row;
}

class Prober {
 public:
  Prober(const plugin::LoadedTask& task, const DatasetReader& reader, const Json& row, Names names)
      : task_(task), reader_(reader), row_(row), names_(std::move(names)) {}

  bool takes(const Names& fields) const {
    try {
      return task_.from_json(reader_, model::one_line(row_of(fields, row_, "a")), {"row", 1}) != nullptr;
    } catch (const std::exception&) {
      return false;
    }
  }

  // The first choice of `count` names, from `first` on, that is taken together with `chosen`.
  std::optional<Names> find(std::size_t count, std::size_t first, Names chosen) const {
    if (count == 0) return takes(chosen) ? std::optional(chosen) : std::nullopt;
    for (std::size_t i = first; i < names_.size(); ++i) {
      chosen.push_back(names_[i]);
      if (auto found = find(count - 1, i + 1, chosen)) return found;
      chosen.pop_back();
    }
    return std::nullopt;
  }

 private:
  const plugin::LoadedTask& task_;
  const DatasetReader& reader_;
  const Json& row_;
  Names names_;
};

}  // namespace

InputForm input_form(const plugin::LoadedTask& task, DatasetReader& reader, const Json& row) {
  const Prober prober(task, reader, row, candidates(task, reader, row));
  // A task that takes a row without anything says nothing by taking others.
  if (prober.takes({})) return {{}, Json::object()};
  for (std::size_t count = 1; count <= kMostFields; ++count) {
    if (auto found = prober.find(count, 0, {})) {
      auto example = row_of(*found, row, "");
      return {std::move(*found), std::move(example)};
    }
  }
  return {{}, Json::object()};
}

}  // namespace berth::serve
