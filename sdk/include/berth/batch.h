// Features, the batches that the host packs from them, and the encoder's output for a batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "berth/tokenizer.h"
#include "berth/version.h"

namespace berth {
inline namespace v1 {

// A task's own numbers travel with each feature as declared fields; the host packs them, so no task writes a collate
// function.
enum class FieldShape : std::uint8_t {
  kPerSequence,  // `width` values a sequence: packed to [B] (width 1) or [B, width]
  kPerToken,     // one value a token: packed to [N]
  kRagged,       // any number a sequence: packed end to end to [M], with Batch::field_offsets(name) [B + 1]
};
enum class FieldType : std::uint8_t { kInt64, kReal };  // kReal: the encoder's float type
enum class FieldRole : std::uint8_t {
  kTarget,  // known where the example is labelled; the loss reads it
  kInput,  // known always, and there when predicting too: which tokens are scored, what a source token can be copied as
};

struct FieldSpec {
  std::string name;
  FieldType type = FieldType::kInt64;
  FieldShape shape = FieldShape::kPerSequence;
  std::int64_t width = 1;  // of kPerSequence; of others it has to be 1
  FieldRole role = FieldRole::kTarget;
};

using FieldValues = std::variant<std::vector<std::int64_t>, std::vector<double>>;

// What the encoder reads for one example, or for one window of it.
struct Feature {
  Encoding encoding;
  // Every input field; every target field, or none of them where the example has no targets (predict).
  std::map<std::string, FieldValues, std::less<>> fields;
};

// Takes the features of one example, in order.
class BERTH_VISIBLE FeatureSink {
 public:
  virtual ~FeatureSink() = default;
  virtual void add(Feature feature) = 0;
};

// B sequences of one task packed end to end, N tokens in all, without padding. Made by the host. ids, segments,
// positions and fields are on the device of the encoder's output; offsets() and field_offsets() are on the CPU. Nothing
// that Batch or Encoded gives may be written to: it may be a view of what is kept for the next time.
class BERTH_VISIBLE Batch {
 public:
  virtual ~Batch() = default;

  virtual std::int64_t size() const = 0;            // B
  virtual std::int64_t tokens() const = 0;          // N
  virtual const at::Tensor& ids() const = 0;        // [N] int64
  virtual const at::Tensor& segments() const = 0;   // [N] int64
  virtual const at::Tensor& offsets() const = 0;    // [B + 1] int64, on the CPU: sequence b is tokens [o[b], o[b+1])
  virtual const at::Tensor& positions() const = 0;  // [N] int64: 0, 1, ... in each sequence

  virtual bool has_field(std::string_view name) const = 0;
  // Throws Error kPlugin for a name that was not declared or that the features lack.
  virtual const at::Tensor& field(std::string_view name) const = 0;
  virtual const at::Tensor& field_offsets(std::string_view name) const = 0;  // of a ragged field, [B + 1] int64
};

// For authors who want rectangles. Padding is zeros.
struct Padded {
  at::Tensor hidden;  // [B, L, width]
  at::Tensor mask;    // [B, L] bool, true on tokens
};

// What a head reads of Encoded. The host computes no more than that in the last layer. A minor version may add values
// to the enums that plugins give (this one, FieldShape, FieldType, FieldRole, Truncation, Direction, ErrorKind).
enum class HeadInput : std::uint8_t {
  kFirstToken,  // first()
  kPooled,      // first() and pooled()
  kAllTokens,   // first(), hidden() and padded()
};

// The encoder's output for a batch. What was not asked for by Head::input() is not computed: asking for it throws Error
// kPlugin.
class BERTH_VISIBLE Encoded {
 public:
  virtual ~Encoded() = default;

  virtual const Batch& batch() const = 0;
  virtual at::Tensor hidden() const = 0;  // [N, width]; needs HeadInput::kAllTokens
  virtual at::Tensor first() const = 0;   // [B, width], each sequence's first token; every HeadInput has it
  virtual at::Tensor pooled() const = 0;  // [B, width], tanh(dense(first)); needs HeadInput::kPooled
  virtual Padded padded() const = 0;      // needs HeadInput::kAllTokens
};

}  // namespace v1
}  // namespace berth
