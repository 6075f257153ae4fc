#include "core/model/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <optional>
#include <utility>

#include "berth/error.h"
#include "core/model/activation.h"
#include "core/model/json_text.h"

namespace berth::model {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kLargestSize = 1 << 24;
constexpr std::int64_t kMostLayers = 1024;
constexpr const char* kAdapterSize = "berth_adapter_size";

class ConfigReader {
 public:
  ConfigReader(const Json& json, std::string file) : json_(json), file_(std::move(file)) {}

  [[noreturn]] void fail(const std::string& text) const { throw Error(ErrorKind::kContent, Where{file_}, text); }

  void size(const char* key, std::int64_t& value, std::int64_t largest = kLargestSize) const {
    const Json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_number_integer()) wrong_type(key, *found, "an integer");
    if (found->is_number_unsigned() && found->get<std::uint64_t>() > static_cast<std::uint64_t>(largest)) {
      fail(fmt::format("\"{}\" is {}; berth takes at most {}", key, found->dump(), largest));
    }
    value = found->get<std::int64_t>();
    if (value < 1) fail(fmt::format("\"{}\" is {}; it has to be at least 1", key, value));
  }

  void number(const char* key, double& value) const {
    const Json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_number()) wrong_type(key, *found, "a number");
    value = found->get<double>();
    if (!std::isfinite(value) || value < 0) fail(fmt::format("\"{}\" is {}; it can't be negative", key, value));
  }

  void probability(const char* key, double& value) const {
    number(key, value);
    if (value >= 1) fail(fmt::format("\"{}\" is {}; a dropout probability is below 1", key, value));
  }

  void flag_is_off(const char* key) const {
    const Json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_boolean()) wrong_type(key, *found, "true or false");
    if (found->get<bool>()) fail(fmt::format("\"{}\" is true: a decoder; berth trains BERT as an encoder alone", key));
  }

  std::optional<std::string> text(const char* key) const {
    const Json* found = find(key);
    if (found == nullptr) return std::nullopt;
    if (!found->is_string()) wrong_type(key, *found, "a string");
    return found->get<std::string>();
  }

  const Json* find(const char* key) const {
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }

  [[noreturn]] void wrong_type(const char* key, const Json& found, const char* expected) const {
    fail(fmt::format("\"{}\" is {} ({}), expected {}", key, found.dump(-1, ' ', true).substr(0, 80), found.type_name(),
                     expected));
  }

 private:
  const Json& json_;
  std::string file_;
};

void read_sizes(const ConfigReader& reader, BertConfig& config) {
  reader.size("vocab_size", config.vocab_size);
  reader.size("hidden_size", config.hidden_size);
  reader.size("num_hidden_layers", config.num_hidden_layers, kMostLayers);
  reader.size("num_attention_heads", config.num_attention_heads);
  reader.size("intermediate_size", config.intermediate_size);
  reader.size("max_position_embeddings", config.max_position_embeddings);
  reader.size("type_vocab_size", config.type_vocab_size);
  reader.size(kAdapterSize, config.adapter_size);
  if (config.hidden_size % config.num_attention_heads != 0) {
    reader.fail(fmt::format("\"hidden_size\" {} is not a multiple of \"num_attention_heads\" {}", config.hidden_size,
                            config.num_attention_heads));
  }
}

void read_pad_token(const ConfigReader& reader, BertConfig& config) {
  const Json* found = reader.find("pad_token_id");
  if (found == nullptr) return;
  if (found->is_null()) {
    config.pad_token_id = -1;
    return;
  }
  if (!found->is_number_integer()) reader.wrong_type("pad_token_id", *found, "an integer or null");
  config.pad_token_id = found->get<std::int64_t>();
  if (config.pad_token_id < 0 || config.pad_token_id >= config.vocab_size) {
    reader.fail(fmt::format("\"pad_token_id\" is {}, which is no token of a vocabulary of {}", found->dump(),
                            config.vocab_size));
  }
}

void check_kind(const ConfigReader& reader) {
  const std::string type = reader.text("model_type").value_or("bert");
  if (type != "bert") {
    reader.fail(
        fmt::format("\"model_type\" is \"{}\"; berth trains models of type \"bert\": choose one of these", type));
  }
  const std::string positions = reader.text("position_embedding_type").value_or("absolute");
  if (positions != "absolute") {
    reader.fail(fmt::format("\"position_embedding_type\" is \"{}\"; berth knows \"absolute\"", positions));
  }
  reader.flag_is_off("is_decoder");
  reader.flag_is_off("add_cross_attention");
}

}  // namespace

BertConfig read_config(const std::filesystem::path& file) {
  BertConfig config;
  config.json = read_text(file);
  const Json json = parse_json(config.json, file.string());
  const ConfigReader reader(json, file.string());
  if (!json.is_object()) reader.fail(fmt::format("expected a JSON object, found {}", json.type_name()));
  check_kind(reader);
  read_sizes(reader, config);
  read_pad_token(reader, config);
  if (const auto name = reader.text("hidden_act")) {
    const auto activation = activation_named(*name);
    if (!activation) {
      reader.fail(fmt::format("\"hidden_act\" is \"{}\"; known are {}", *name, fmt::join(activation_names(), ", ")));
    }
    config.hidden_act = *activation;
  }
  reader.probability("hidden_dropout_prob", config.hidden_dropout_prob);
  reader.probability("attention_probs_dropout_prob", config.attention_probs_dropout_prob);
  reader.number("initializer_range", config.initializer_range);
  reader.number("layer_norm_eps", config.layer_norm_eps);
  return config;
}

std::string config_text(const BertConfig& config) {
  if (!config.json.empty()) {
    if (config.adapter_size == 0) return config.json;
    auto json = parse_ordered_json(config.json, "config.json");
    json[kAdapterSize] = config.adapter_size;
    return json.dump(2);
  }
  nlohmann::ordered_json json = {
      {"architectures", {"BertModel"}},
      {"model_type", "bert"},
      {"vocab_size", config.vocab_size},
      {"hidden_size", config.hidden_size},
      {"num_hidden_layers", config.num_hidden_layers},
      {"num_attention_heads", config.num_attention_heads},
      {"intermediate_size", config.intermediate_size},
      {"hidden_act", activation_name(config.hidden_act)},
      {"hidden_dropout_prob", config.hidden_dropout_prob},
      {"attention_probs_dropout_prob", config.attention_probs_dropout_prob},
      {"max_position_embeddings", config.max_position_embeddings},
      {"type_vocab_size", config.type_vocab_size},
      {"initializer_range", config.initializer_range},
      {"layer_norm_eps", config.layer_norm_eps},
      {"position_embedding_type", "absolute"},
      {"pad_token_id", config.pad_token_id},
  };
  if (config.pad_token_id < 0) json["pad_token_id"] = nullptr;
  if (config.adapter_size > 0) json[kAdapterSize] = config.adapter_size;
  return json.dump(2);
}

}  // namespace berth::model
