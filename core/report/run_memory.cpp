#include "core/report/run_memory.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "berth/error.h"
#include "core/model/json_text.h"

namespace berth::report {
namespace {

using Json = nlohmann::ordered_json;

// A score that the data don't define is NaN, and null in JSON.
double number(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

std::map<std::string, double> numbers(const Json& object) {
  std::map<std::string, double> result;
  for (const auto& [name, value] : object.items()) result[name] = number(value);
  return result;
}

// Of what is written as a whole number alone: the JSON library would convert 1e300, too, which no integer holds.
std::int64_t whole(const Json& value) {
  if (!value.is_number_integer()) throw std::invalid_argument(fmt::format("{} is no whole number", value.dump()));
  return value.get<std::int64_t>();
}

std::map<std::string, std::int64_t> wholes(const Json& object) {
  std::map<std::string, std::int64_t> result;
  for (const auto& [name, value] : object.items()) result[name] = whole(value);
  return result;
}

RunMemory from_json(const Json& json) {
  RunMemory memory;
  memory.metrics_bytes = static_cast<std::uintmax_t>(whole(json.at("metrics_bytes")));
  const auto& last = json.at("last");
  memory.last = {whole(last.at("step")), number(last.at("epoch")), number(last.at("rate")),
                 number(last.at("gradient_norm")), number(last.at("training_seconds"))};
  memory.seconds_to_first_step = json.at("seconds_to_first_step").get<double>();
  memory.best_step = whole(json.at("best_step"));
  memory.links = wholes(json.at("links"));
  for (const auto& [task, seen] : json.at("intervals").items()) {
    memory.intervals[task] = {number(seen.at(0)), whole(seen.at(1)), number(seen.at(2))};
  }
  for (const auto& [task, seen] : json.at("courses").items()) {
    memory.courses[task] = {number(seen.at(0)), number(seen.at(1))};
  }
  memory.not_finite = wholes(json.at("not_finite"));
  for (const auto& seen : json.at("cosines")) {
    memory.cosines[{seen.at(0).get<std::string>(), seen.at(1).get<std::string>()}] = {
        number(seen.at(2)), number(seen.at(3)), whole(seen.at(4)), whole(seen.at(5))};
  }
  memory.before = numbers(json.at("before"));
  memory.after_own_turn = numbers(json.at("after_own_turn"));
  for (const auto& [task, scores] : json.at("dev").items()) {
    for (const auto& [score, seen] : scores.items()) {
      memory.dev[task][score] = {number(seen.at(0)), number(seen.at(1)), whole(seen.at(2))};
    }
  }
  for (const auto& [task, score] : json.at("primary").items()) {
    auto& primary = memory.primary[task];
    primary.name = score.at("name").get<std::string>();
    if (score.at("lower_is_better").get<bool>()) primary.direction = Direction::kLowerIsBetter;
    primary.is_primary = true;
  }
  return memory;
}

}  // namespace

std::string to_json(const RunMemory& memory) {
  Json json;
  json["metrics_bytes"] = memory.metrics_bytes;
  json["last"] = {{"step", memory.last.step},
                  {"epoch", memory.last.epoch},
                  {"rate", memory.last.rate},
                  {"gradient_norm", memory.last.gradient_norm},
                  {"training_seconds", memory.last.training_seconds}};
  json["seconds_to_first_step"] = memory.seconds_to_first_step;
  json["best_step"] = memory.best_step;
  json["links"] = memory.links;
  json["intervals"] = Json::object();
  for (const auto& [task, seen] : memory.intervals) json["intervals"][task] = {seen.loss, seen.steps, seen.weight};
  json["courses"] = Json::object();
  for (const auto& [task, seen] : memory.courses) json["courses"][task] = {seen.first, seen.last};
  json["not_finite"] = memory.not_finite;
  json["cosines"] = Json::array();
  for (const auto& [tasks, seen] : memory.cosines) {
    json["cosines"].push_back({tasks.first, tasks.second, seen.sum, seen.least, seen.count, seen.negative});
  }
  json["before"] = memory.before;
  json["after_own_turn"] = memory.after_own_turn;
  json["dev"] = Json::object();
  for (const auto& [task, scores] : memory.dev) {
    for (const auto& [score, seen] : scores) {
      json["dev"][task][score] = {seen.final_value, seen.best_value, seen.best_step};
    }
  }
  json["primary"] = Json::object();
  for (const auto& [task, score] : memory.primary) {
    json["primary"][task] = {{"name", score.name}, {"lower_is_better", score.direction == Direction::kLowerIsBetter}};
  }
  return json.dump(2) + "\n";
}

RunMemory read_memory(const std::filesystem::path& file) {
  const auto json = model::parse_ordered_json(model::read_text(file), file.string());
  const auto refuse = [&](const std::exception& e) {
    return Error(ErrorKind::kContent, {file.string()}, fmt::format("is no report that berth wrote: {}", e.what()));
  };
  try {
    return from_json(json);
  } catch (const Json::exception& e) {
    throw refuse(e);
  } catch (const std::invalid_argument& e) {
    throw refuse(e);
  }
}

}  // namespace berth::report
