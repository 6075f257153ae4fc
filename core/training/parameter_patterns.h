// How a suite names parameters: "embeddings", "layers.2", "layers.0-3", "layers", "pooler", "encoder", "heads",
// "heads.TASK", a kind of the encoder's parameters ("attention", "query", "key", "value", "feed_forward", "adapters",
// "norms", "biases"), or a parameter's name down to any of its dots.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/suite/suite.h"

namespace berth::training {

// Names are the encoder's as transformers has them, or "heads.TASK.NAME".

bool is_head(std::string_view name_or_group);

// Counted from 0; -1 for what is in no layer.
std::int64_t layer_of(std::string_view name);

// "embeddings", "layers.3", "pooler", "heads.TASK".
std::string group_of(std::string_view name);

bool matches(std::string_view pattern, std::string_view name);

// f(index of the name) for each match of each pattern. Throws Error kConfig at the pattern that matches none of the
// names, with the nearest one that would. key: where the patterns stand, "optimizer.freeze".
void for_each_match(const std::vector<suite::Pattern>& patterns, const std::string& key,
                    const std::vector<std::string>& names, const std::function<void(std::size_t)>& f);

}  // namespace berth::training
