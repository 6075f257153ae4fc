// Every class, struct and enum of the SDK, in the signature of an exported function: what test_abi.py has abidiff
// compare. A type that comes with a later version gets a line in a part of its own: `#if BERTH_SDK_VERSION_MINOR >= 1`.
#include "berth/head.h"
#include "berth/plugin.h"
#if BERTH_SDK_VERSION_MINOR >= 1
#include "berth/advisor.h"
#include "berth/display.h"
#endif

#define ANCHOR(name, type) \
  extern "C" BERTH_VISIBLE void berth_anchor_##name(const type& value) { (void)value; }

namespace berth {

ANCHOR(additions, Additions)
ANCHOR(batch, Batch)
ANCHOR(dataset_reader, DatasetReader)
ANCHOR(direction, Direction)
ANCHOR(encode_options, EncodeOptions)
ANCHOR(encoded, Encoded)
ANCHOR(encoder_info, EncoderInfo)
ANCHOR(encoding, Encoding)
ANCHOR(error, Error)
ANCHOR(error_kind, ErrorKind)
ANCHOR(example, Example)
ANCHOR(example_stream, ExampleStream)
ANCHOR(export_info, ExportInfo)
ANCHOR(feature, Feature)
ANCHOR(feature_context, FeatureContext)
ANCHOR(feature_result, FeatureResult)
ANCHOR(feature_sink, FeatureSink)
ANCHOR(field_role, FieldRole)
ANCHOR(field_shape, FieldShape)
ANCHOR(field_spec, FieldSpec)
ANCHOR(field_type, FieldType)
ANCHOR(head, Head)
ANCHOR(head_input, HeadInput)
ANCHOR(loss, Loss)
ANCHOR(loss_detail, LossDetail)
ANCHOR(manifest, Manifest)
ANCHOR(manifest_debug_bits, ManifestDebugBits)
ANCHOR(metric, Metric)
ANCHOR(option_field, OptionField)
ANCHOR(options, Options)
ANCHOR(padded, Padded)
ANCHOR(prediction, Prediction)
ANCHOR(result_file, ResultFile)
ANCHOR(score, Score)
ANCHOR(span, Span)
ANCHOR(task, Task)
ANCHOR(tokenizer, Tokenizer)
ANCHOR(truncation, Truncation)
ANCHOR(where, Where)
ANCHOR(window_options, WindowOptions)

#if BERTH_SDK_VERSION_MINOR >= 1
ANCHOR(advisor, Advisor)
ANCHOR(data_sample, DataSample)
ANCHOR(decision, Decision)
ANCHOR(display, Display)
ANCHOR(mark, Mark)
ANCHOR(mark_kind, MarkKind)
ANCHOR(shown, Shown)
ANCHOR(shown_text, ShownText)
ANCHOR(suggestion, Suggestion)
#endif

}  // namespace berth

extern "C" BERTH_VISIBLE void berth_anchor_entry(BerthCreateTask entry) { (void)entry; }
