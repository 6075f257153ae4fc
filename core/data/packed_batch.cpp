#include "core/data/packed_batch.h"

#include <fmt/format.h>

#include "berth/error.h"

namespace berth::data {
namespace {

std::string known_fields(const std::map<std::string, PackedBatch::Field, std::less<>>& fields) {
  std::string text;
  for (const auto& [name, field] : fields) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

}  // namespace

const at::Tensor& PackedBatch::field(std::string_view name) const {
  auto found = contents_.fields.find(name);
  if (found == contents_.fields.end()) {
    throw Error(
        ErrorKind::kPlugin,
        fmt::format("the batch has no field '{}' (it has: {}); declare it in Task::fields() and set it in every "
                    "feature that has targets",
                    name, known_fields(contents_.fields)));
  }
  return found->second.values;
}

const at::Tensor& PackedBatch::field_offsets(std::string_view name) const {
  field(name);
  const auto& found = contents_.fields.find(name)->second;
  if (!found.offsets.defined()) {
    throw Error(ErrorKind::kPlugin, fmt::format("field '{}' is not ragged, so it has no offsets", name));
  }
  return found.offsets;
}

}  // namespace berth::data
