#include "core/training/parameter_patterns.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "core/suite/option_binder.h"

namespace berth::training {
namespace {

constexpr std::string_view kLayerPrefix = "encoder.layer.";

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "layers.2" or "layers.0-3" as a range of layers.
std::optional<std::pair<std::int64_t, std::int64_t>> layer_range(std::string_view pattern) {
  constexpr std::string_view kPrefix = "layers.";
  if (!pattern.starts_with(kPrefix)) return std::nullopt;
  pattern.remove_prefix(kPrefix.size());
  const auto dash = pattern.find('-');
  const auto low = number(pattern.substr(0, dash));
  const auto high = dash == std::string_view::npos ? low : number(pattern.substr(dash + 1));
  if (!low || !high || *low > *high) return std::nullopt;
  return std::pair(*low, *high);
}

bool contains(std::string_view name, std::string_view part) { return name.find(part) != std::string_view::npos; }

struct Kind {
  std::string_view pattern;
  bool (*holds)(std::string_view name);  // of an encoder's parameter
};

constexpr Kind kKinds[] = {
    {"attention", [](std::string_view name) { return contains(name, ".attention.") && !contains(name, "LayerNorm"); }},
    {"query", [](std::string_view name) { return contains(name, ".self.query."); }},
    {"key", [](std::string_view name) { return contains(name, ".self.key."); }},
    {"value", [](std::string_view name) { return contains(name, ".self.value."); }},
    {"feed_forward",
     [](std::string_view name) {
       return layer_of(name) >= 0 && contains(name, ".dense.") && !contains(name, ".attention.");
     }},
    {"adapters", [](std::string_view name) { return contains(name, ".adapter."); }},
    {"norms", [](std::string_view name) { return contains(name, "LayerNorm"); }},
    {"biases", [](std::string_view name) { return name.ends_with(".bias"); }},
};

[[noreturn]] void matches_nothing(const suite::Pattern& pattern, const std::string& key,
                                  const std::vector<std::string>& names) {
  std::vector<std::string> known = {"encoder", "embeddings", "layers", "heads"};
  for (const auto& kind : kKinds) known.emplace_back(kind.pattern);
  for (const auto& name : names) {
    if (auto group = group_of(name); known.back() != group) known.push_back(std::move(group));
  }
  const auto nearest = suite::nearest_name(pattern.text, known);
  throw Error(
      ErrorKind::kConfig, pattern.where,
      fmt::format(
          "{}: '{}' matches no parameter{}; give embeddings, layers.N, layers.N-M, pooler, encoder, "
          "heads.TASK, attention, query, key, value, feed_forward, adapters, norms, biases or a parameter's name",
          key, pattern.text,
          nearest.empty() || nearest == pattern.text ? "" : fmt::format(" (did you mean '{}'?)", nearest)));
}

}  // namespace

bool is_head(std::string_view name_or_group) { return name_or_group.starts_with("heads."); }

std::int64_t layer_of(std::string_view name) {
  if (!name.starts_with(kLayerPrefix)) return -1;
  name.remove_prefix(kLayerPrefix.size());
  return number(name.substr(0, name.find('.'))).value_or(-1);
}

std::string group_of(std::string_view name) {
  if (const auto layer = layer_of(name); layer >= 0) return fmt::format("layers.{}", layer);
  const auto dot = name.find('.');
  return std::string(is_head(name) ? name.substr(0, name.find('.', dot + 1)) : name.substr(0, dot));
}

bool matches(std::string_view pattern, std::string_view name) {
  if (const auto range = layer_range(pattern)) {
    const auto layer = layer_of(name);
    return layer >= range->first && layer <= range->second;
  }
  if (pattern == "encoder") return !is_head(name);
  if (pattern == "heads") return is_head(name);
  if (pattern == "layers") return layer_of(name) >= 0;
  for (const auto& kind : kKinds) {
    if (pattern == kind.pattern) return !is_head(name) && kind.holds(name);
  }
  return name.starts_with(pattern) && (name.size() == pattern.size() || name[pattern.size()] == '.');
}

void for_each_match(const std::vector<suite::Pattern>& patterns, const std::string& key,
                    const std::vector<std::string>& names, const std::function<void(std::size_t)>& f) {
  for (const auto& pattern : patterns) {
    bool matched = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!matches(pattern.text, names[i])) continue;
      matched = true;
      f(i);
    }
    if (!matched) matches_nothing(pattern, key, names);
  }
}

}  // namespace berth::training
