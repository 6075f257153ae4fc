// A model's config.json: read_config(), and config_text(), which writes it back with what berth adds.

#include "core/model/config.h"

#include "fuzz.h"

using namespace berth;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFile file;
  file.write(fuzz::text_of(data, size));
  fuzz::accepts({ErrorKind::kContent}, [&] {
    model::BertConfig config = model::read_config(file.path());
    fuzz::require(config.vocab_size > 0 && config.hidden_size > 0 && config.num_hidden_layers > 0 &&
                      config.num_attention_heads > 0 && config.intermediate_size > 0 &&
                      config.max_position_embeddings > 0 && config.type_vocab_size > 0,
                  "sizes are positive");
    fuzz::require(config.hidden_size % config.num_attention_heads == 0, "heads share the hidden size evenly");
    fuzz::require(config.pad_token_id >= -1 && config.pad_token_id < config.vocab_size, "the pad token is a token");
    config.adapter_size = 8;
    file.write(model::config_text(config));
    try {
      const model::BertConfig again = model::read_config(file.path());
      fuzz::require(again.adapter_size == 8 && again.hidden_size == config.hidden_size &&
                        again.layer_norm_eps == config.layer_norm_eps && again.pad_token_id == config.pad_token_id,
                    "a config that is written back says the same");
    } catch (const Error& error) {
      fuzz::broken("a config that is written back is read", error.what());
    }
  });
  return 0;
}
