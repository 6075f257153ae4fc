// The activation between the two linear layers of a BERT layer.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/config.h"

namespace berth::model {

// By the name that config.json has; nothing for an unknown one.
std::optional<Activation> activation_named(std::string_view name);

// The name that activation_named() takes back to `activation`.
std::string activation_name(Activation activation);

// All names known, for messages.
std::vector<std::string> activation_names();

at::Tensor activate(Activation activation, const at::Tensor& input);

}  // namespace berth::model
