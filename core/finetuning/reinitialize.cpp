#include "core/finetuning/reinitialize.h"

#include "core/training/parameter_patterns.h"

namespace berth::finetuning {

void reinitialize(model::Encoder& encoder, std::int64_t layers) {
  const auto first = encoder.config().num_hidden_layers - layers;
  for (std::size_t i = 0; i < encoder.parameters().size(); ++i) {
    const auto& name = encoder.parameters()[i].name;
    if (training::layer_of(name) >= first || training::group_of(name) == "pooler") encoder.initialise(i);
  }
}

}  // namespace berth::finetuning
