#include "core/checkpoint/model_folder.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <system_error>

#include "berth/error.h"
#include "core/checkpoint/plain_text.h"
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/torch_file.h"
#include "core/model/json_text.h"
#include "core/platform/whole_file.h"

namespace berth::checkpoint {
namespace fs = std::filesystem;
namespace {

using Files = std::vector<std::unique_ptr<const TensorFile>>;

constexpr const char* kSingle = "model.safetensors";

template <typename File>
std::unique_ptr<const TensorFile> open_file(const fs::path& path) {
  return std::make_unique<const File>(path);
}

// The weights' formats, the best first: a folder that has both has the same weights in them.
struct Format {
  const char* single;
  const char* index;
  std::unique_ptr<const TensorFile> (*open)(const fs::path& path);
};
constexpr std::array<Format, 2> kFormats{{
    {kSingle, "model.safetensors.index.json", &open_file<SafetensorsFile>},
    {"pytorch_model.bin", "pytorch_model.bin.index.json", &open_file<TorchFile>},
}};

// The shards that the index names. Each has to lie in the folder itself and hold what the index says.
Files open_shards(const fs::path& folder, const Format& format) {
  const fs::path index = folder / format.index;
  const auto fail = [&](const std::string& text) { throw Error(ErrorKind::kContent, Where{index.string()}, text); };
  const nlohmann::json json = model::parse_json(model::read_text(index), index.string());
  if (!json.is_object() || !json.contains("weight_map") || !json.at("weight_map").is_object()) {
    fail("expected an object with the object \"weight_map\"");
  }
  std::map<std::string, std::vector<std::string>> names;  // by shard
  for (const auto& [name, file] : json.at("weight_map").items()) {
    if (!file.is_string()) fail(fmt::format("\"weight_map\": the file of {} is not a string", in_quotes(name)));
    const auto shard = file.get<std::string>();
    if (shard.empty() || shard == "." || shard == ".." || shard.find_first_of("/\\") < shard.size() ||
        !is_plain_text(shard)) {
      fail(fmt::format("\"weight_map\": {} is not a plain file name", in_quotes(shard)));
    }
    names[shard].push_back(name);
  }
  Files shards;
  shards.reserve(names.size());
  for (const auto& [shard, expected] : names) {
    shards.push_back(format.open(folder / shard));
    for (const std::string& name : expected) {
      if (!shards.back()->contains(name)) {
        fail(fmt::format("tensor {} is not in {} as the index says", in_quotes(name), shard));
      }
    }
  }
  return shards;
}

Files open_weights(const fs::path& folder) {
  for (const Format& format : kFormats) {
    if (fs::exists(folder / format.single)) {
      Files files;
      files.push_back(format.open(folder / format.single));
      return files;
    }
    if (fs::exists(folder / format.index)) return open_shards(folder, format);
  }
  throw Error(ErrorKind::kIo, Where{(folder / kSingle).string()},
              fmt::format("there is no such file, nor {}, {} or {}; a model folder has one of them", kFormats[0].index,
                          kFormats[1].single, kFormats[1].index));
}

// The encoder's own name for a tensor of a file: models with a head put "bert." in front, and the first BERTs called
// LayerNorm's weight and bias gamma and beta.
std::string encoder_name(std::string_view name) {
  constexpr std::string_view kPrefix = "bert.";
  if (name.substr(0, kPrefix.size()) == kPrefix) name.remove_prefix(kPrefix.size());
  const auto with_ending = [&](std::string_view old, std::string_view now) {
    return std::string(name.substr(0, name.size() - old.size())) + std::string(now);
  };
  if (name.ends_with(".gamma")) return with_ending("gamma", "weight");
  if (name.ends_with(".beta")) return with_ending("beta", "bias");
  return std::string(name);
}

// Buffers that old versions of transformers stored; they hold 0, 1, 2... and zeros.
bool is_counted_buffer(std::string_view name) {
  return name == "embeddings.position_ids" || name == "embeddings.token_type_ids";
}

struct Source {
  const TensorFile* file = nullptr;
  const TensorFile::Entry* entry = nullptr;
};

// Parameters together may have so many times the bytes of the files: some are tied to one storage, but not all.
constexpr std::size_t kMostTied = 4;

// Which tensor of which file becomes which parameter.
class Matching {
 public:
  // new_adapters: the files have none.
  Matching(const Files& files, const std::vector<model::ParameterShape>& parameters, bool new_adapters)
      : new_adapters_(new_adapters) {
    std::set<std::string> known;
    for (const auto& parameter : parameters) known.insert(parameter.name);
    for (const auto& file : files) {
      file_bytes_ += file->size();
      for (const auto& entry : file->entries()) {
        const std::string name = encoder_name(entry.name);
        if (is_counted_buffer(name)) continue;
        if (known.count(name) == 0) {
          unused_.push_back(entry.name);
        } else if (const auto [old, fresh] = sources_.emplace(name, Source{file.get(), &entry}); !fresh) {
          problems_.push_back(
              fmt::format("{}: stands there twice, as {} and {}", name, old->second.entry->name, entry.name));
        }
      }
    }
    for (const auto& parameter : parameters) check(parameter);
  }

  const Source* find(const std::string& name) const {
    const auto found = sources_.find(name);
    return found == sources_.end() ? nullptr : &found->second;
  }

  std::vector<std::string> unused() const { return unused_; }

  void throw_problems(const fs::path& folder) const {
    if (problems_.empty() && bytes_ / kMostTied <= file_bytes_) return;
    if (problems_.empty()) {
      throw Error(ErrorKind::kContent, Where{folder.string()},
                  fmt::format("the encoder's tensors have {} bytes together, the files only {}: too many are tied to "
                              "the same storage. Save each with a storage of its own (tensor.clone())",
                              bytes_, file_bytes_));
    }
    std::string text =
        fmt::format("{} of the encoder's tensors don't fit config.json; take both from the same model:\n  {}",
                    problems_.size(), fmt::join(problems_, "\n  "));
    if (sources_.empty() && !unused_.empty()) {
      text += fmt::format("\nnone of the {} tensors there is an encoder's; the first is {}. Is it a BERT model?",
                          unused_.size(), in_quotes(unused_.front()));
    }
    throw Error(ErrorKind::kContent, Where{folder.string()}, text);
  }

 private:
  void check(const model::ParameterShape& parameter) {
    const Source* source = find(parameter.name);
    const std::string expected = fmt::format("[{}]", fmt::join(parameter.shape, ", "));
    if (source == nullptr) {
      const bool is_pooler = parameter.name.rfind("pooler.", 0) == 0;
      const bool is_new = new_adapters_ && parameter.name.find(".adapter.") != std::string::npos;
      if (!is_pooler && !is_new) problems_.push_back(fmt::format("{}: missing, expected {}", parameter.name, expected));
      return;
    }
    const auto& entry = *source->entry;
    if (entry.shape != parameter.shape) {
      problems_.push_back(
          fmt::format("{}: found [{}], expected {}", entry.name, fmt::join(entry.shape, ", "), expected));
    } else if (!c10::isFloatingType(entry.dtype)) {
      problems_.push_back(fmt::format("{}: found type {}, expected a float type", entry.name, toString(entry.dtype)));
    } else {
      check_bytes(entry);
    }
  }

  // A stride of 0 makes a tensor of any size out of one element: then the shape says nothing about what the file has.
  void check_bytes(const TensorFile::Entry& entry) {
    std::size_t needed = c10::elementSize(entry.dtype);  // checked by the readers not to overflow
    for (const std::int64_t size : entry.shape) needed *= static_cast<std::size_t>(size);
    if (needed > entry.end - entry.begin) {
      problems_.push_back(fmt::format(
          "{}: [{}] of {} takes {} bytes, but the file has only {} for it: elements are "
          "repeated. Save it as tensor.contiguous()",
          entry.name, fmt::join(entry.shape, ", "), toString(entry.dtype), needed, entry.end - entry.begin));
    }
    if (__builtin_add_overflow(bytes_, needed, &bytes_)) bytes_ = std::numeric_limits<std::size_t>::max();
  }

  std::size_t file_bytes_ = 0;
  std::size_t bytes_ = 0;  // of the tensors that become parameters
  bool new_adapters_;
  std::map<std::string, Source> sources_;
  std::vector<std::string> unused_;
  std::vector<std::string> problems_;
};

// Gives the config the adapters that the options want. Returns whether the folder has none of them.
bool add_adapters(model::BertConfig& config, std::int64_t wanted, const fs::path& folder) {
  if (wanted == 0 || wanted == config.adapter_size) return false;
  if (config.adapter_size > 0) {
    throw Error(ErrorKind::kConfig, Where{folder.string()},
                fmt::format("the model has adapters of width {}, but finetuning.adapter_size is {}; write {}",
                            config.adapter_size, wanted, config.adapter_size));
  }
  config.adapter_size = wanted;
  return true;
}

// The written weights' type has to stand in the config where one stood: transformers loads what it says.
void set_dtype(nlohmann::ordered_json& config, at::ScalarType dtype) {
  for (const char* key : {"dtype", "torch_dtype"}) {
    if (config.contains(key)) config[key] = dtype == at::kDouble ? "float64" : "float32";
  }
}

}  // namespace

LoadedEncoder load_encoder(const fs::path& folder, const model::EncoderOptions& options) {
  if (!fs::is_directory(folder)) {
    throw Error(
        ErrorKind::kIo, Where{folder.string()},
        "there is no such model folder; give [model] path the folder of a BERT, counted from the suite's folder");
  }
  if (!fs::exists(folder / "config.json")) {
    throw Error(
        ErrorKind::kIo, Where{folder.string()},
        "is no model folder: it has no config.json; give the folder that has it, the vocabulary and the weights");
  }
  model::BertConfig config = model::read_config(folder / "config.json");
  const bool new_adapters = add_adapters(config, options.adapter_size, folder);
  const Files files = open_weights(folder);
  // The files are in memory by now, each read before the next one is looked at, but nothing else is: a config with
  // absurd sizes ends here, since what the encoder takes is bounded by what the files have.
  const Matching matching(files, model::parameter_shapes(config), new_adapters);
  matching.throw_problems(folder);
  LoadedEncoder loaded{model::Encoder(config, options, model::StartValues::kNone), {}};
  const at::NoGradGuard no_grad;
  const NamedTensors& parameters = loaded.encoder.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, tensor] = parameters[i];
    if (const Source* source = matching.find(name)) {
      tensor.copy_(source->file->tensor(source->entry->name));
      source->file->release(source->entry->name);
    } else {
      loaded.encoder.initialise(i);
      loaded.report.initialised.push_back(name);
    }
  }
  loaded.report.unused = matching.unused();
  return loaded;
}

void write_model_folder(const fs::path& folder, const model::Encoder& encoder, const WriteOptions& options) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorKind::kIo, Where{folder.string()}, "the folder can't be made: " + error.message());
  auto config = model::parse_ordered_json(model::config_text(encoder.config()), "config.json");
  set_dtype(config, encoder.options().dtype);
  config.merge_patch(model::parse_ordered_json(options.config_overrides, "config_overrides"));
  NamedTensors tensors;
  for (const auto& [name, tensor] : encoder.parameters()) {
    if (options.with_pooler || name.rfind("pooler.", 0) != 0) tensors.push_back({options.prefix + name, tensor});
  }
  tensors.insert(tensors.end(), options.extra.begin(), options.extra.end());
  write_safetensors(folder / kSingle, tensors);
  platform::write_text(folder / "config.json", config.dump(2) + "\n");
}

}  // namespace berth::checkpoint
