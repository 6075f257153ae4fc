// A training step against its own matrix products: what share of the step would be left if nothing else took time.
// Dropout, clipping and AdamW are in the step. Prints one line of JSON.
//   step_limit {MODEL_FOLDER|LAYERSxWIDTH} SEQUENCES LENGTH REPEATS [pooled|all]
// LAYERSxWIDTH: of that shape (12x768 is BERT-base's), with random weights. pooled: a head that reads the first
// token, so that the last layer is trimmed to it (in the products too).
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/mm.h>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <optional>

#include "core/platform/heap.h"
#include "core/platform/process_stats.h"
#include "tests/bench/bench_step.h"

namespace {

using namespace berth;

struct Shape {
  std::int64_t sequences, length;
  bool trimmed;
};

// The products of a step alone, at their shapes: x W^T, and for the gradients g W and g^T x.
class Products {
 public:
  Products(const model::BertConfig& config, const Shape& shape) : config_(config), shape_(shape) {}

  void run() {
    const at::NoGradGuard no_grad;
    const std::int64_t tokens = shape_.sequences * shape_.length;
    for (std::int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
      const bool last = shape_.trimmed && layer + 1 == config_.num_hidden_layers;
      const std::int64_t rows = last ? shape_.sequences : tokens;
      const std::int64_t width = config_.hidden_size;
      linear(rows, width, width);    // queries
      linear(tokens, width, width);  // keys
      linear(tokens, width, width);  // values
      attention(last ? 1 : shape_.length);
      linear(rows, width, width);
      linear(rows, width, config_.intermediate_size);
      linear(rows, config_.intermediate_size, width);
    }
  }

 private:
  at::Tensor matrix(std::int64_t rows, std::int64_t columns) {
    for (const auto& known : made_) {
      if (known.size(0) == rows && known.size(1) == columns) return known;
    }
    return made_.emplace_back(at::randn({rows, columns}));
  }

  void linear(std::int64_t rows, std::int64_t in, std::int64_t out) {
    const at::Tensor x = matrix(rows, in);
    const at::Tensor gradient = matrix(rows, out);
    const at::Tensor weight = matrix(out, in);
    at::mm(x, weight.t());
    at::mm(gradient, weight);
    at::mm(gradient.t(), x);
  }

  // Scores and their weighted sum; backwards one product for each of the four gradients.
  void attention(std::int64_t queries) {
    const std::int64_t heads = shape_.sequences * config_.num_attention_heads;
    const std::int64_t width = config_.hidden_size / config_.num_attention_heads;
    const at::Tensor q = matrix(heads * queries, width).view({heads, queries, width});
    const at::Tensor k = matrix(heads * shape_.length, width).view({heads, shape_.length, width});
    const at::Tensor scores = matrix(heads * queries, shape_.length).view({heads, queries, shape_.length});
    for (int i = 0; i < 2; ++i) {
      at::bmm(q, k.transpose(1, 2));
      at::bmm(scores, k);
      at::bmm(scores.transpose(1, 2), q);
    }
  }

  const model::BertConfig& config_;
  Shape shape_;
  std::vector<at::Tensor> made_;
};

// "12x768": so many layers of that width, in heads of 64.
std::optional<model::BertConfig> shape_of(const std::string& name) {
  long layers = 0, width = 0;
  int end = 0;
  if (std::sscanf(name.c_str(), "%ldx%ld%n", &layers, &width, &end) != 2 || name.c_str()[end] != 0) return {};
  model::BertConfig config;
  config.num_hidden_layers = layers;
  config.hidden_size = width;
  config.num_attention_heads = std::max(width / 64, 1L);
  config.intermediate_size = 4 * width;
  return config;
}

model::Encoder load(const std::string& name) {
  if (const auto config = shape_of(name)) return {*config, {}};
  return std::move(checkpoint::load_encoder(name, {}).encoder);
}

void measure(const std::string& name, const Shape& shape, int repeats) {
  const model::Encoder encoder = load(name);
  const auto input = bench::random_input(std::vector(static_cast<std::size_t>(shape.sequences), shape.length));
  bench::Step step(encoder, shape.trimmed ? HeadInput::kPooled : HeadInput::kAllTokens);
  Products products(encoder.config(), shape);
  std::vector<double> train, alone, infer;
  for (int i = 0; i < 2; ++i) {
    step.train(input);
    products.run();
  }
  for (int i = 0; i < repeats; ++i) {  // in turn: a machine whose speed drifts is fair to both
    train.push_back(bench::milliseconds([&] { step.train(input); }));
    alone.push_back(bench::milliseconds([&] { products.run(); }));
    infer.push_back(bench::milliseconds([&] { step.infer(input); }));
  }
  std::vector<double> shares;
  for (std::size_t i = 0; i < train.size(); ++i) shares.push_back(alone[i] / train[i]);
  fmt::print(
      "{{\"step_ms\": {:.1f}, \"products_ms\": {:.1f}, \"share\": {:.3f}, \"share_least\": {:.3f}, \"share_most\": "
      "{:.3f}, \"infer_ms\": {:.1f}, \"threads\": {}, \"peak_mb\": {}}}\n",
      bench::median(train), bench::median(alone), bench::median(shares),
      *std::min_element(shares.begin(), shares.end()), *std::max_element(shares.begin(), shares.end()),
      bench::median(infer), at::get_num_threads(), platform::peak_resident_bytes() >> 20);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    fmt::print(stderr, "usage: step_limit {{MODEL_FOLDER|LAYERSxWIDTH}} SEQUENCES LENGTH REPEATS [pooled|all]\n");
    return 2;
  }
  berth::platform::keep_freed_blocks();  // as training does
  try {
    const bool all = argc == 6 && std::string(argv[5]) == "all";
    measure(argv[1], {std::stoll(argv[2]), std::stoll(argv[3]), !all}, std::stoi(argv[4]));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
