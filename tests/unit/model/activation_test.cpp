#include "core/model/activation.h"

#include <ATen/TensorOperators.h>
#include <gmock/gmock.h>

#include "core/checkpoint/safetensors.h"

namespace berth::model {
namespace {

// transformers' ACT2FN on 49 points from -12 to 12; see data/make_golden.py.
TEST(Activation, EqualsTransformers) {
  const checkpoint::SafetensorsFile golden(BERTH_TEST_DATA "/activations.safetensors");
  std::vector<std::string> names{"input"};
  for (const std::string& name : activation_names()) {
    names.push_back(name);
    const at::Tensor expected = golden.tensor(name);
    const at::Tensor found = activate(activation_named(name).value(), golden.tensor("input"));
    // gelu_fast rounds the root of 2 / pi to ten digits.
    EXPECT_LT((found - expected).abs().max().item<double>(), 2e-11) << name;
  }
  std::vector<std::string> stored;
  for (const auto& entry : golden.entries()) stored.push_back(entry.name);
  EXPECT_THAT(names, ::testing::UnorderedElementsAreArray(stored)) << "transformers knows other names";
}

TEST(Activation, NamesAndKindsMatch) {
  for (const std::string& name : activation_names()) {
    const Activation activation = activation_named(name).value();
    EXPECT_EQ(activation_named(activation_name(activation)), activation) << name;
  }
  EXPECT_EQ(activation_named("gelu "), std::nullopt);
  EXPECT_EQ(activation_named(""), std::nullopt);
}

}  // namespace
}  // namespace berth::model
