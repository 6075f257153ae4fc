// A head's tensors by name, for the optimizer and for checkpoints.
#pragma once

#include "berth/head.h"
#include "core/model/named_tensor.h"

namespace berth::plugin {

NamedTensors head_parameters(const Head& head);
NamedTensors head_tensors(const Head& head);  // parameters and buffers

// Parameters and buffers of real numbers become this type; counts and indices stay what they are. All of them move to
// this device.
void convert(Head& head, const at::TensorOptions& options);

// Copies `source` into the head's tensors of the same names. Throws Error kContent at `where` that lists missing,
// surplus and misshapen ones.
void load_head(Head& head, const NamedTensors& source, const std::string& where);

}  // namespace berth::plugin
