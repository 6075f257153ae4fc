#include "core/serve/request_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/model/json_text.h"
#include "core/text/utf8.h"

namespace berth::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kDeepest = 64;     // JSON is written by recursion
constexpr std::size_t kMostKeys = 1000;  // of an object, or names of tasks: each new one is looked for among all

[[noreturn]] void refuse(const std::string& message) { throw BadRequest("bad_request", message); }

// Follows the parser, and stops it before it does what costs too much.
class Bounds {
 public:
  void see(Json::parse_event_t event) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      keys_.push_back(0);
      if (keys_.size() > kDeepest) {
        throw BadRequest("bad_json", fmt::format("lists and objects are nested more than {} deep", kDeepest));
      }
    } else if (event == Event::object_end || event == Event::array_end) {
      keys_.pop_back();
    } else if (event == Event::key && ++keys_.back() > kMostKeys) {
      throw BadRequest("bad_json", fmt::format("an object has more than {} keys", kMostKeys));
    }
  }

 private:
  std::vector<std::size_t> keys_;  // of each object or list that is open
};

// "a string", for messages.
std::string kind_of(const Json& value) {
  if (value.is_null()) return "null";
  return fmt::format("{} {}", value.is_array() || value.is_object() ? "an" : "a", value.type_name());
}

Json parse_body(const std::string& body) {
  if (!text::is_valid_utf8(body.data(), body.data() + body.size())) {
    throw BadRequest("bad_encoding", "the body is not UTF-8; JSON is sent in UTF-8");
  }
  Bounds bounds;
  try {
    return Json::parse(body, [&bounds](int, Json::parse_event_t event, Json&) {
      bounds.see(event);
      return true;
    });
  } catch (const Json::parse_error& error) {
    throw BadRequest("bad_json", fmt::format("the body is not JSON, at byte {}: {}", error.byte, error.what()));
  } catch (const Json::exception& error) {  // a number that no double holds
    throw BadRequest("bad_json", fmt::format("the body is not JSON that can be read: {}", error.what()));
  }
}

}  // namespace

RowsBody read_rows(const std::string& body) {
  const Json value = parse_body(body);
  RowsBody result;
  result.is_list = value.is_array();
  if (value.is_object()) {
    result.rows.push_back(model::one_line(value));
    return result;
  }
  if (!value.is_array()) refuse("the body is " + kind_of(value) + "; expected an object, or a list of objects");
  result.rows.reserve(value.size());
  for (const auto& row : value) {
    if (!row.is_object()) {
      refuse(fmt::format("row {} of the list is {}; expected an object", result.rows.size() + 1, kind_of(row)));
    }
    result.rows.push_back(model::one_line(row));
  }
  return result;
}

PredictBody read_predict(const std::string& body) {
  const Json value = parse_body(body);
  if (!value.is_object()) {
    refuse("the body is " + kind_of(value) + R"x(; expected {"input": {...}, "tasks": ["NAME", ...]})x");
  }
  PredictBody result;
  for (const auto& [key, part] : value.items()) {
    if (key == "input" && part.is_object()) {
      result.input = model::one_line(part);
    } else if (key == "tasks" && part.is_array()) {
      for (const auto& name : part) {
        if (!name.is_string()) refuse("'tasks' holds " + kind_of(name) + "; expected names of tasks");
        const auto text = name.get<std::string>();
        const bool is_new = std::find(result.tasks.begin(), result.tasks.end(), text) == result.tasks.end();
        if (is_new && result.tasks.size() >= kMostKeys)
          refuse(fmt::format("'tasks' has more than {} names", kMostKeys));
        if (is_new) result.tasks.push_back(text);
      }
      if (result.tasks.empty())
        refuse("'tasks' is empty; name one, or leave it out to ask all that can read the input");
    } else if (key == "input" || key == "tasks") {
      refuse(
          fmt::format("'{}' is {}; expected {}", key, kind_of(part), key == "input" ? "an object" : "a list of names"));
    } else {
      refuse(fmt::format("unknown key '{}'; expected 'input' and, where wanted, 'tasks'", key));
    }
  }
  if (result.input.empty()) refuse("'input' is missing; expected an object with the fields of a row");
  return result;
}

}  // namespace berth::serve
