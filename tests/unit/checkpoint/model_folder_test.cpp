#include "core/checkpoint/model_folder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <tuple>

#include "berth/error.h"
#include "core/checkpoint/safetensors.h"
#include "hand_made.h"
#include "samples.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ModelFolder : public ::testing::Test {
 protected:
  ModelFolder() { write_model_folder(folder(), encoder_, {}); }

  const fs::path& folder() const { return folder_.path(); }

  // The encoder's tensors under names changed by `rename`; dropped where that is "".
  NamedTensors tensors(const std::function<std::string(const std::string&)>& rename) const {
    NamedTensors result;
    for (const auto& [name, tensor] : encoder_.parameters()) {
      const std::string now = rename(name);
      if (!now.empty()) result.push_back({now, tensor});
    }
    return result;
  }
  NamedTensors tensors() const {
    return tensors([](const std::string& name) { return name; });
  }

  void replace_weights(const NamedTensors& tensors) const {
    write_safetensors(folder() / "model.safetensors", tensors);
  }

  LoadedEncoder load(at::ScalarType type = at::kFloat) const {
    model::EncoderOptions options;
    options.dtype = type;
    return load_encoder(folder(), options);
  }

  void expect_equal(const model::Encoder& loaded) const {
    ASSERT_EQ(loaded.parameters().size(), encoder_.parameters().size());
    for (std::size_t i = 0; i < loaded.parameters().size(); ++i) {
      const auto& [name, tensor] = encoder_.parameters()[i];
      EXPECT_TRUE(at::equal(tensor, loaded.parameters()[i].tensor)) << name;
    }
  }

  std::string error_of(ErrorKind kind) const {
    try {
      load();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      return error.what();
    }
    return "no error";
  }

  testing::TemporaryFolder folder_;
  model::Encoder encoder_{testing::small_config(), {}};
};

std::string with_prefix(const std::string& name) { return "bert." + name; }

TEST_F(ModelFolder, ReadsBackWhatItWrites) {
  const LoadedEncoder loaded = load();
  expect_equal(loaded.encoder);
  EXPECT_THAT(loaded.report.initialised, IsEmpty());
  EXPECT_THAT(loaded.report.unused, IsEmpty());
}

TEST_F(ModelFolder, UnderstandsPrefixAndOldNames) {
  replace_weights(tensors([](std::string name) {
    for (const auto& [now, old] :
         {std::pair{"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}}) {
      if (const auto at = name.find(now); at != std::string::npos) name = name.substr(0, at) + old;
    }
    return with_prefix(name);
  }));
  expect_equal(load().encoder);
}

TEST_F(ModelFolder, ConvertsOtherFloatTypes) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16, at::kDouble}) {
    NamedTensors converted = tensors();
    for (auto& named : converted) named.tensor = named.tensor.to(type);
    replace_weights(converted);
    for (const at::ScalarType wanted : {at::kFloat, at::kDouble}) {
      const LoadedEncoder loaded = load(wanted);
      const at::Tensor word = loaded.encoder.parameters()[0].tensor;
      EXPECT_EQ(word.scalar_type(), wanted);
      EXPECT_TRUE(at::equal(word, converted[0].tensor.to(wanted))) << type;
    }
  }
}

TEST_F(ModelFolder, ReportsWhatItDoesNotUseAndWhatItInitialises) {
  NamedTensors some =
      tensors([](const std::string& name) { return name.rfind("pooler", 0) == 0 ? "" : with_prefix(name); });
  some.push_back({"bert.embeddings.position_ids", at::arange(10).unsqueeze(0)});
  some.push_back({"classifier.weight", at::ones({2, 8})});
  some.push_back({"cls.predictions.bias", at::ones({30})});
  replace_weights(some);
  const LoadedEncoder loaded = load();
  EXPECT_THAT(loaded.report.initialised, ElementsAre("pooler.dense.weight", "pooler.dense.bias"));
  EXPECT_THAT(loaded.report.unused, ElementsAre("classifier.weight", "cls.predictions.bias"));
  expect_equal(loaded.encoder);  // the pooler's start is by the same seed
}

TEST_F(ModelFolder, ListsAllThatIsMissingOrMisshapen) {
  NamedTensors wrong = tensors(
      [](const std::string& name) { return name.find("layer.1.output.dense") != std::string::npos ? "" : name; });
  wrong[0].tensor = at::zeros({31, 8});
  wrong[4].tensor = at::zeros({8}, at::kLong);
  replace_weights(wrong);
  EXPECT_THAT(error_of(ErrorKind::kContent),
              AllOf(HasSubstr("encoder.layer.1.output.dense.weight: missing, expected [8, 12]"),
                    HasSubstr("encoder.layer.1.output.dense.bias: missing, expected [8]"),
                    HasSubstr("embeddings.word_embeddings.weight: found [31, 8], expected [30, 8]"),
                    HasSubstr("embeddings.LayerNorm.bias: found type Long"), Not(HasSubstr("pooler"))));
}

TEST_F(ModelFolder, AnotherModelsWeightsAreNamedAsSuch) {
  replace_weights({{"roberta.encoder.weight", at::ones({2})}});
  EXPECT_THAT(error_of(ErrorKind::kContent), AllOf(HasSubstr("missing"), HasSubstr("roberta.encoder.weight")));
}

TEST_F(ModelFolder, TheSameTensorUnderTwoNamesIsAnError) {
  NamedTensors both = tensors();
  both.push_back({"bert.pooler.dense.bias", at::ones({8})});
  replace_weights(both);
  EXPECT_THAT(error_of(ErrorKind::kContent), HasSubstr("bert.pooler.dense.bias"));
}

TEST_F(ModelFolder, AnAbsurdConfigEndsBeforeMemoryIsTaken) {
  std::ofstream(folder() / "config.json") << R"({"hidden_size": 16777216, "num_attention_heads": 1,
      "intermediate_size": 16777216, "vocab_size": 16777216, "num_hidden_layers": 2})";
  EXPECT_THAT(error_of(ErrorKind::kContent), HasSubstr("expected [16777216, 16777216]"));
}

class ShardedFolder : public ModelFolder {
 protected:
  ShardedFolder() {
    fs::remove(folder() / "model.safetensors");
    NamedTensors all = tensors(with_prefix);
    const auto middle = all.begin() + 10;
    write_safetensors(folder() / "model-1.safetensors", {all.begin(), middle});
    write_safetensors(folder() / "model-2.safetensors", {middle, all.end()});
    for (auto named = all.begin(); named != all.end(); ++named) {
      index_["weight_map"][named->name] = named < middle ? "model-1.safetensors" : "model-2.safetensors";
    }
    write_index(index_.dump());
  }

  void write_index(const std::string& text) const { std::ofstream(folder() / "model.safetensors.index.json") << text; }

  nlohmann::json index_ = {{"metadata", {{"total_size", 1}}}};
};

TEST_F(ShardedFolder, IsRead) { expect_equal(load().encoder); }

TEST_F(ShardedFolder, MissingShardIsAnIoError) {
  fs::remove(folder() / "model-2.safetensors");
  EXPECT_THAT(error_of(ErrorKind::kIo), HasSubstr("model-2.safetensors"));
}

TEST_F(ShardedFolder, AnIndexThatLiesIsAnError) {
  index_["weight_map"]["bert.pooler.dense.bias"] = "model-1.safetensors";
  write_index(index_.dump());
  EXPECT_THAT(error_of(ErrorKind::kContent), HasSubstr("bert.pooler.dense.bias"));
  for (const std::string file : {"../model-1.safetensors", "/etc/passwd", "..", "", "a\\b", "a\x1b[2J"}) {
    index_["weight_map"]["bert.pooler.dense.bias"] = file;
    write_index(index_.dump());
    EXPECT_THAT(error_of(ErrorKind::kContent), HasSubstr("not a plain file name")) << file;
  }
  for (const std::string text : {"[]", "{}", R"({"weight_map": 1})", R"({"weight_map": {"a": 1}})", ""}) {
    write_index(text);
    EXPECT_THAT(error_of(ErrorKind::kContent), HasSubstr("index.json")) << text;
  }
}

class TorchFolder : public ModelFolder {
 protected:
  TorchFolder() { fs::remove(folder() / "model.safetensors"); }

  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder() / name, std::ios::binary) << bytes;
  }
};

TEST_F(TorchFolder, IsReadInBothFormats) {
  NamedTensors all = tensors(with_prefix);
  all.push_back({"cls.predictions.bias", at::ones({30})});
  const auto [dict, storages] = testing::state_dict(all);
  for (const std::string& bytes : {testing::archive(dict, storages), testing::stream(dict, storages)}) {
    write("pytorch_model.bin", bytes);
    const LoadedEncoder loaded = load();
    expect_equal(loaded.encoder);
    EXPECT_THAT(loaded.report.unused, ElementsAre("cls.predictions.bias"));
  }
}

TEST_F(TorchFolder, IsReadFromShards) {
  const NamedTensors all = tensors();
  nlohmann::json index;
  for (const auto& [name, begin, end] : {std::tuple{"a.bin", 0, 10}, {"b.bin", 10, static_cast<int>(all.size())}}) {
    const auto [dict, storages] = testing::state_dict({all.begin() + begin, all.begin() + end});
    write(name, testing::archive(dict, storages));
    for (int i = begin; i < end; ++i) index["weight_map"][all[static_cast<std::size_t>(i)].name] = name;
  }
  write("pytorch_model.bin.index.json", index.dump());
  expect_equal(load().encoder);
  index["weight_map"]["pooler.dense.bias"] = "../b.bin";
  write("pytorch_model.bin.index.json", index.dump());
  EXPECT_THAT(error_of(ErrorKind::kContent), HasSubstr("not a plain file name"));
}

// Strides of 0 make tensors of any shape out of one element.
TEST_F(TorchFolder, AnAbsurdConfigEndsBeforeMemoryIsTakenThoughTheShapesFit) {
  const std::string text = R"({"hidden_size": 1048576, "num_attention_heads": 1, "intermediate_size": 1048576,
      "vocab_size": 1048576, "num_hidden_layers": 2})";
  std::ofstream(folder() / "config.json") << text;
  std::vector<std::string> items;
  for (const auto& [name, shape] : model::parameter_shapes(model::read_config(folder() / "config.json"))) {
    items.push_back(testing::text(name));
    items.push_back(testing::tensor(testing::storage("FloatStorage", "0", 1), 0, shape,
                                    std::vector<std::int64_t>(shape.size(), 0)));
  }
  write("pytorch_model.bin", testing::archive(testing::dict(items), {{"0", std::string(4, '\1')}}));
  EXPECT_THAT(
      error_of(ErrorKind::kContent),
      AllOf(HasSubstr("embeddings.word_embeddings.weight: [1048576, 1048576] of Float takes 4398046511104 bytes, "
                      "but the file has only 4 for it"),
            HasSubstr("encoder.layer.1.output.dense.bias: [1048576] of Float")));
}

// Each tensor is whole, but they are the same one: the file's size still bounds what the encoder takes.
TEST_F(TorchFolder, ManyParametersOfOneStorageAreRefused) {
  const auto write_tied = [&](int layers) {
    std::ofstream(folder() / "config.json") << fmt::format(
        R"({{"hidden_size": 64, "num_attention_heads": 1, "intermediate_size": 64, "vocab_size": 512,
            "max_position_embeddings": 8, "num_hidden_layers": {}}})",
        layers);
    std::vector<std::string> items;
    for (const auto& [name, shape] : model::parameter_shapes(model::read_config(folder() / "config.json"))) {
      items.push_back(testing::text(name));
      const std::vector<std::int64_t> strides =
          shape.size() == 1 ? std::vector<std::int64_t>{1} : std::vector<std::int64_t>{shape[1], 1};
      items.push_back(testing::tensor(testing::storage("FloatStorage", "0", 512 * 64), 0, shape, strides));
    }
    write("pytorch_model.bin", testing::archive(testing::dict(items), {{"0", std::string(512 * 64 * 4, '\0')}}));
  };
  write_tied(20);
  EXPECT_THAT(error_of(ErrorKind::kContent), HasSubstr("too many are tied to the same storage"));
  write_tied(1);
  EXPECT_EQ(error_of(ErrorKind::kContent), "no error");
}

TEST_F(TorchFolder, TiedEmbeddingsAreRead) {
  const NamedTensors all = tensors(with_prefix);
  auto [dict, storages] = testing::state_dict(all);
  dict.pop_back();
  dict += testing::text("cls.predictions.decoder.weight") +
          testing::tensor(testing::storage("FloatStorage", "0", 30 * 8), 0, {30, 8}, {8, 1}) + "u";
  write("pytorch_model.bin", testing::archive(dict, storages));
  const LoadedEncoder loaded = load();
  expect_equal(loaded.encoder);
  EXPECT_THAT(loaded.report.unused, ElementsAre("cls.predictions.decoder.weight"));
}

TEST_F(ModelFolder, SafetensorsComeBeforePickles) {
  std::ofstream(folder() / "pytorch_model.bin") << "no weights";
  expect_equal(load().encoder);
}

TEST_F(ModelFolder, WithoutWeightsSaysWhatIsMissing) {
  fs::remove(folder() / "model.safetensors");
  EXPECT_THAT(error_of(ErrorKind::kIo), AllOf(HasSubstr("model.safetensors"), HasSubstr("pytorch_model.bin")));
  std::ofstream(folder() / "pytorch_model.bin") << "PK";
  EXPECT_THAT(error_of(ErrorKind::kContent), AllOf(HasSubstr("pytorch_model.bin"), HasSubstr("torch.save")));
  fs::remove_all(folder());
  EXPECT_THAT(error_of(ErrorKind::kIo), HasSubstr("no such model folder"));
}

TEST_F(ModelFolder, LeavesNoMappingBehind) {
  const LoadedEncoder loaded = load();
  std::ifstream maps("/proc/self/maps");
  const std::string text{std::istreambuf_iterator<char>(maps), {}};
  ASSERT_THAT(text, HasSubstr("libtorch_cpu"));
  EXPECT_THAT(text, Not(HasSubstr(folder().string())));
}

TEST_F(ModelFolder, WritesPrefixExtrasAndAMergedConfig) {
  std::ofstream(folder() / "config.json") << R"({"torch_dtype": "float16", "zzz": 1, "vocab_size": 30, "hidden_size": 8,
      "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 10,
      "architectures": ["BertModel"], "id2label": {"0": "x"}})";
  const LoadedEncoder loaded = load();
  const fs::path to = folder() / "deep" / "copy";
  WriteOptions options;
  options.prefix = "bert.";
  options.config_overrides = R"({"architectures": ["BertForSequenceClassification"], "id2label": null})";
  options.extra = {{"classifier.weight", at::ones({2, 8})}};
  options.with_pooler = false;
  write_model_folder(to, loaded.encoder, options);
  const SafetensorsFile file(to / "model.safetensors");
  EXPECT_EQ(file.entries().size(), encoder_.parameters().size() - 2 + 1);
  EXPECT_TRUE(at::equal(file.tensor("bert.embeddings.word_embeddings.weight"), encoder_.parameters()[0].tensor));
  EXPECT_TRUE(file.contains("classifier.weight"));
  EXPECT_FALSE(file.contains("bert.pooler.dense.weight"));
  std::ifstream stream(to / "config.json");
  const auto config = nlohmann::ordered_json::parse(stream);
  EXPECT_EQ(config.begin().key(), "torch_dtype");  // the order stays
  EXPECT_EQ(config.at("torch_dtype"), "float32");
  EXPECT_EQ(config.at("zzz"), 1);
  EXPECT_EQ(config.at("architectures").at(0), "BertForSequenceClassification");
  EXPECT_FALSE(config.contains("id2label"));
  EXPECT_FALSE(config.contains("dtype"));
}

}  // namespace
}  // namespace berth::checkpoint
