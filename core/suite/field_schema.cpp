#include "core/suite/field_schema.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace berth::suite {
namespace {

// A bound of whole numbers without ".0".
Json bound(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::abs(value) <= kExact && std::trunc(value) == value) return static_cast<std::int64_t>(value);
  return value;
}

class SchemaMaker {
 public:
  explicit SchemaMaker(const Field& field) : field_(field) {}

  Json operator()(const bool* value) const { return with_default({{"type", "boolean"}}, *value); }
  Json operator()(const std::int64_t* value) const { return with_default(number("integer"), *value); }
  Json operator()(const double* value) const {
    return std::isfinite(*value) ? with_default(number("number"), *value) : number("number");
  }
  Json operator()(const std::string* value) const { return value->empty() ? string() : with_default(string(), *value); }
  Json operator()(const std::optional<std::int64_t>* value) const {
    return *value ? (*this)(&**value) : number("integer");
  }
  Json operator()(const std::optional<double>* value) const { return *value ? (*this)(&**value) : number("number"); }
  Json operator()(const std::vector<std::string>* values) const { return list(*values, string()); }
  Json operator()(const std::vector<std::int64_t>* values) const { return list(*values, number("integer")); }
  Json operator()(const std::vector<double>* values) const { return list(*values, number("number")); }
  Json operator()(const std::map<std::string, std::string>* values) const { return table(*values, string()); }
  Json operator()(const std::map<std::string, double>* values) const { return table(*values, number("number")); }
  Json operator()(const CustomTarget& target) const { return target.schema(); }

 private:
  template <typename T>
  Json with_default(Json schema, const T& value) const {
    if (!field_.is_required) schema["default"] = value;
    return schema;
  }

  Json number(const char* type) const {
    const auto& interval = field_.interval;
    Json schema = {{"type", type}};
    if (interval.low) schema[interval.is_low_open ? "exclusiveMinimum" : "minimum"] = bound(*interval.low);
    if (interval.high) schema[interval.is_high_open ? "exclusiveMaximum" : "maximum"] = bound(*interval.high);
    return schema;
  }

  Json string() const {
    Json schema = {{"type", "string"}};
    if (!field_.choices.empty()) schema["enum"] = field_.choices;
    return schema;
  }

  template <typename T>
  Json list(const std::vector<T>& values, Json element) const {
    return with_default({{"type", "array"}, {"items", std::move(element)}}, values);
  }

  template <typename T>
  Json table(const std::map<std::string, T>& values, Json element) const {
    return with_default({{"type", "object"}, {"additionalProperties", std::move(element)}}, values);
  }

  const Field& field_;
};

}  // namespace

Json schema_of(const Field& field) { return std::visit(SchemaMaker(field), field.target); }

Json schema_of(const std::vector<Field>& fields) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}};
  for (const auto& field : fields) {
    schema["properties"][field.name] = schema_of(field);
    if (field.is_required) schema["required"].push_back(field.name);
  }
  schema["additionalProperties"] = false;
  return schema;
}

Json choice_schema(const std::vector<std::string>& words, const std::optional<std::string>& value) {
  Json schema = {{"type", "string"}, {"enum", words}};
  if (value) schema["default"] = Json::parse(*value);  // a word in quotes is the same in both languages
  return schema;
}

Json path_schema() { return {{"type", "string"}, {"minLength", 1}}; }

Json free_table_schema() { return {{"type", "object"}}; }

}  // namespace berth::suite
