// What each way of saving time gains: a training step with all of them, and with one of them left out, in turn on the
// same batches. Dropout, clipping and AdamW are in the step. Prints a table.
//   step_parts MODEL_FOLDER TEXT_FILE REPEATS
// TEXT_FILE: a line a sequence, cut at its first tab; the first 256 make 8 batches.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <exception>
#include <fstream>
#include <functional>
#include <map>

#include "core/model/instruction_set.h"
#include "core/platform/heap.h"
#include "core/text/load_tokenizer.h"
#include "tests/bench/bench_step.h"

namespace {

using namespace berth;

constexpr std::int64_t kBatch = 32, kBatches = 8, kMaxLength = 128;

struct BatchInput {
  model::EncoderInput packed;
  model::EncoderInput padded;  // every sequence as long as the longest of the batch
};

std::vector<BatchInput> read_batches(const std::string& folder, const std::string& file) {
  const auto tokenizer = text::load_tokenizer(folder);
  std::ifstream in(file, std::ios::binary);
  std::vector<BatchInput> batches;
  std::vector<std::int64_t> lengths;
  for (std::string line; std::getline(in, line) && batches.size() < kBatches;) {
    const auto encoding = tokenizer->encode(line.substr(0, line.find('\t')), {kMaxLength});
    lengths.push_back(static_cast<std::int64_t>(encoding.size()));
    if (lengths.size() < kBatch) continue;
    const auto longest = *std::max_element(lengths.begin(), lengths.end());
    batches.push_back({bench::random_input(lengths), bench::random_input(std::vector(lengths.size(), longest))});
    lengths.clear();
  }
  if (batches.empty()) throw Error(ErrorKind::kIo, {file}, fmt::format("can't be read, or has not {} lines", kBatch));
  return batches;
}

// The same encoder and head by LibTorch's own operators and autograd, on sequences of one length.
class StockStep {
 public:
  StockStep(const model::Encoder& encoder, const at::Tensor& head) : encoder_(encoder), head_(head) {
    for (const auto& [name, tensor] : encoder.parameters()) tensors_[name] = tensor;
  }

  void gradients(const model::EncoderInput& input) {
    const auto sequences = input.offsets.numel() - 1;
    const auto length = input.ids.numel() / sequences;
    at::Tensor hidden = at::embedding(tensor("embeddings.word_embeddings.weight"), input.ids) +
                        at::embedding(tensor("embeddings.position_embeddings.weight"), input.positions) +
                        at::embedding(tensor("embeddings.token_type_embeddings.weight"), input.segments);
    hidden = at::dropout(norm(hidden, "embeddings.LayerNorm"), kDropout, true).view({sequences, length, width()});
    for (std::int64_t i = 0; i < encoder_.config().num_hidden_layers; ++i) {
      hidden = layer(hidden, fmt::format("encoder.layer.{}.", i));
    }
    const at::Tensor pooled = at::tanh(linear(hidden.select(1, 0), "pooler.dense"));
    const at::Tensor labels = at::arange(sequences, input.ids.options()).remainder(2);
    at::cross_entropy_loss(at::linear(pooled, head_), labels).backward();
  }

 private:
  static constexpr double kDropout = 0.1;

  std::int64_t width() const { return encoder_.config().hidden_size; }
  const at::Tensor& tensor(const std::string& name) const { return tensors_.at(name); }

  at::Tensor linear(const at::Tensor& x, const std::string& name) const {
    return at::linear(x, tensor(name + ".weight"), tensor(name + ".bias"));
  }

  at::Tensor norm(const at::Tensor& x, const std::string& name) const {
    return at::layer_norm(x, {width()}, tensor(name + ".weight"), tensor(name + ".bias"), 1e-12);
  }

  at::Tensor layer(const at::Tensor& x, const std::string& name) const {
    const auto heads = encoder_.config().num_attention_heads;
    const auto split = [&](const std::string& part) {
      return linear(x, name + "attention.self." + part)
          .view({x.size(0), x.size(1), heads, width() / heads})
          .transpose(1, 2);
    };
    const at::Tensor context =
        at::scaled_dot_product_attention(split("query"), split("key"), split("value"), {}, kDropout)
            .transpose(1, 2)
            .reshape(x.sizes());
    const at::Tensor attended = norm(x + at::dropout(linear(context, name + "attention.output.dense"), kDropout, true),
                                     name + "attention.output.LayerNorm");
    const at::Tensor inner = at::gelu(linear(attended, name + "intermediate.dense"));
    return norm(attended + at::dropout(linear(inner, name + "output.dense"), kDropout, true),
                name + "output.LayerNorm");
  }

  const model::Encoder& encoder_;
  at::Tensor head_;
  std::map<std::string, at::Tensor> tensors_;
};

void make_dense(const at::Tensor& table) {
  if (table.grad().is_sparse()) table.mutable_grad() = table.grad().to_dense();
}

// Clipping and AdamW as torch has them: the norm, the scaling and the update each read all gradients.
class StockAdamW {
 public:
  explicit StockAdamW(const training::ParameterPlan& plan) {
    for (const auto& p : plan.parameters) {
      if (p.status != training::Status::kTrained) continue;
      parameters_.push_back(p.tensor);
      means_.push_back(at::zeros_like(p.tensor));
      variances_.push_back(at::zeros_like(p.tensor));
      steps_.push_back(at::zeros({}));
    }
  }

  void update() {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> gradients;
    for (const auto& parameter : parameters_) gradients.push_back(parameter.grad());
    const auto norm = at::stack(at::_foreach_norm(gradients)).norm().item<double>();
    if (norm > 1) at::_foreach_mul_(gradients, 1 / (norm + 1e-6));
    at::_foreach_add_(steps_, 1);
    at::_fused_adamw_(parameters_, gradients, means_, variances_, {}, steps_, 2e-5, 0.9, 0.999, 0.01, 1e-8, false,
                      false);
    for (const auto& parameter : parameters_) parameter.mutable_grad().reset();
  }

 private:
  std::vector<at::Tensor> parameters_, means_, variances_, steps_;
};

struct Variant {
  std::string name;
  std::function<void(const BatchInput&)> step;
  std::vector<double> milliseconds = {};  // of each round over the batches
};

void measure(const std::string& folder, const std::string& file, int repeats) {
  const auto batches = read_batches(folder, file);
  const auto encoder = std::move(checkpoint::load_encoder(folder, {}).encoder);
  model::EncoderOptions no_dropout;
  no_dropout.dropout = no_dropout.attention_dropout = 0;
  const auto certain = std::move(checkpoint::load_encoder(folder, no_dropout).encoder);
  model::EncoderOptions coarse;
  coarse.products = model::Products::kBFloat16;
  const auto bfloat16 = std::move(checkpoint::load_encoder(folder, coarse).encoder);

  bench::Step step(encoder, HeadInput::kPooled), whole(encoder, HeadInput::kAllTokens);
  bench::Step dense(encoder, HeadInput::kPooled);  // once its gradient is dense, an optimizer keeps it so
  bench::Step without_dropout(certain, HeadInput::kPooled), low(bfloat16, HeadInput::kPooled);
  StockStep stock(encoder, dense.head());
  StockAdamW adamw(dense.plan());
  const auto& table = encoder.word_embeddings();
  const auto with = [&](model::InstructionSet set) {
    return [&step, set](const BatchInput& batch) {
      model::use_instruction_set(set);
      step.train(batch.packed);
      model::use_instruction_set(model::best_instruction_set());
    };
  };

  std::vector<Variant> variants = {
      {"as it is", [&](const BatchInput& batch) { step.train(batch.packed); }},
      {"sequences padded to the batch's longest", [&](const BatchInput& batch) { step.train(batch.padded); }},
      {"all of the last layer computed", [&](const BatchInput& batch) { whole.train(batch.packed); }},
      {"kernels without vector instructions", with(model::InstructionSet::kPortable)},
  };
  if (model::best_instruction_set() == model::InstructionSet::kV4) {
    variants.push_back({"kernels with AVX2", with(model::InstructionSet::kV3)});
  }
  variants.push_back({"the word embeddings' gradient dense", [&](const BatchInput& batch) {
                        dense.gradients(batch.packed);
                        make_dense(table);
                        dense.update();
                      }});
  variants.push_back({"the same, clipping and AdamW as LibTorch has them", [&](const BatchInput& batch) {
                        dense.gradients(batch.packed);
                        make_dense(table);
                        adamw.update();
                      }});
  variants.push_back({"all by LibTorch's operators, padded", [&](const BatchInput& batch) {
                        stock.gradients(batch.padded);
                        adamw.update();
                      }});
  variants.push_back(
      {"no dropout (for comparison)", [&](const BatchInput& batch) { without_dropout.train(batch.packed); }});
  if (model::bfloat16_gain(at::kCPU) > 1) {
    variants.push_back({"products in bfloat16", [&](const BatchInput& batch) { low.train(batch.packed); }});
  }

  for (int i = 0; i <= repeats; ++i) {
    for (auto& variant : variants) {
      const auto milliseconds = bench::milliseconds([&] {
        for (const auto& batch : batches) variant.step(batch);
      });
      if (i > 0) variant.milliseconds.push_back(milliseconds / static_cast<double>(batches.size()));
    }
  }
  fmt::print("{} threads, {} batches of {}, median of {} rounds\n{:<52} {:>8} {:>24}\n", at::get_num_threads(),
             batches.size(), kBatch, repeats, "a step", "ms", "times \"as it is\"");
  for (const auto& variant : variants) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < variant.milliseconds.size(); ++i) {
      ratios.push_back(variant.milliseconds[i] / variants.front().milliseconds[i]);
    }
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    fmt::print("{:<52} {:>8.1f} {:>10.2f} ({:.2f} to {:.2f})\n", variant.name, bench::median(variant.milliseconds),
               bench::median(ratios), *least, *most);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: step_parts MODEL_FOLDER TEXT_FILE REPEATS\n");
    return 2;
  }
  berth::platform::keep_freed_blocks();  // as training does
  try {
    measure(argv[1], argv[2], std::stoi(argv[3]));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
