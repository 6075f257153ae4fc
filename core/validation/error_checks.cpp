// Hosts that fail: objects that throw at the first call, handed to every call of the plugin that takes one. The error
// has to come out again: a plugin that swallows it would go on with half of its data, one that lets it meet a noexcept
// function would end the process.
#include <fmt/format.h>

#include "berth/head.h"
#include "core/data/encoded_batch.h"
#include "core/suite/option_binder.h"
#include "core/validation/checks.h"

namespace berth::validation {
namespace {

constexpr ErrorKind kMarkKind = ErrorKind::kContent;
constexpr const char* kMark = "this error was made by berth validate-plugin";

// One for all objects below: how often it was thrown.
class Thrower {
 public:
  [[noreturn]] void operator()() const {
    ++thrown_;
    throw Error(kMarkKind, kMark);
  }
  int thrown() const { return thrown_; }

 private:
  mutable int thrown_ = 0;
};

struct BadOptions final : Options {
  const Thrower& fail;
  explicit BadOptions(const Thrower& f) : fail(f) {}
  OptionField& add(OptionField) override { fail(); }
};

struct BadStream final : ExampleStream {
  const Thrower& fail;
  explicit BadStream(const Thrower& f) : fail(f) {}
  std::unique_ptr<Example> next() override { fail(); }
};

struct BadSink final : FeatureSink {
  const Thrower& fail;
  explicit BadSink(const Thrower& f) : fail(f) {}
  void add(Feature) override { fail(); }
};

struct BadTokenizer final : Tokenizer {
  const Thrower& fail;
  explicit BadTokenizer(const Thrower& f) : fail(f) {}
  using Words = std::vector<std::string>;
  Encoding encode(std::string_view, const EncodeOptions&) const override { fail(); }
  Encoding encode_pair(std::string_view, std::string_view, const EncodeOptions&) const override { fail(); }
  Encoding encode_words(const Words&, const EncodeOptions&) const override { fail(); }
  std::vector<Encoding> windows(std::string_view, const WindowOptions&) const override { fail(); }
  std::vector<Encoding> windows_pair(std::string_view, std::string_view, const WindowOptions&) const override {
    fail();
  }
  std::vector<Encoding> windows_words(const Words&, const WindowOptions&) const override { fail(); }
  std::string decode(const std::vector<std::int32_t>&) const override { fail(); }
  std::int64_t vocabulary_size() const override { fail(); }
  bool has_id(std::int32_t) const override { fail(); }
  std::string token(std::int32_t) const override { fail(); }
  std::int32_t id(std::string_view) const override { fail(); }
  bool contains(std::string_view) const override { fail(); }
  std::int32_t cls_id() const override { fail(); }
  std::int32_t sep_id() const override { fail(); }
  std::int32_t pad_id() const override { fail(); }
  std::int32_t unk_id() const override { fail(); }
  std::int32_t mask_id() const override { fail(); }
};

struct BadBatch final : Batch {
  const Thrower& fail;
  explicit BadBatch(const Thrower& f) : fail(f) {}
  std::int64_t size() const override { fail(); }
  std::int64_t tokens() const override { fail(); }
  const at::Tensor& ids() const override { fail(); }
  const at::Tensor& segments() const override { fail(); }
  const at::Tensor& offsets() const override { fail(); }
  const at::Tensor& positions() const override { fail(); }
  bool has_field(std::string_view) const override { fail(); }
  const at::Tensor& field(std::string_view) const override { fail(); }
  const at::Tensor& field_offsets(std::string_view) const override { fail(); }
};

struct BadEncoded final : Encoded {
  const Thrower& fail;
  explicit BadEncoded(const Thrower& f) : fail(f) {}
  const Batch& batch() const override { fail(); }
  at::Tensor hidden() const override { fail(); }
  at::Tensor first() const override { fail(); }
  at::Tensor pooled() const override { fail(); }
  Padded padded() const override { fail(); }
};

struct BadResult final : FeatureResult {
  const Thrower& fail;
  explicit BadResult(const Thrower& f) : fail(f) {}
  const Feature& feature() const override { fail(); }
  at::Tensor sequence(std::string_view) const override { fail(); }
  at::Tensor tokens(std::string_view) const override { fail(); }
  at::Tensor whole(std::string_view) const override { fail(); }
};

class ErrorCheck {
 public:
  // A call that is given an object which throws, whenever it is used.
  template <typename Call>
  void expect_through(const char* name, Call&& call) {
    Thrower thrower;
    try {
      plugin::guarded({"the plugin", name}, [&] { call(thrower); });
    } catch (const Error& e) {
      const bool is_it = e.kind() == kMarkKind && std::string_view(e.what()).find(kMark) != std::string_view::npos;
      if (thrower.thrown() > 0 && !is_it) {
        fail(fmt::format("{}: the host's error came out as another one: {}", name, e.what()));
      }
      ++calls_;
      return;
    }
    if (thrower.thrown() > 0) fail(fmt::format("{}: swallows an error of the host and goes on", name));
  }

  // A call that is given what it has to refuse, with an Error of this kind.
  template <typename Call>
  void expect_refusal(const char* name, ErrorKind kind, const char* what, Call&& call) {
    try {
      plugin::guarded({"the plugin", name}, call);
    } catch (const Error& e) {
      if (e.kind() != kind) {
        fail(fmt::format("{} refuses {} with an error of kind {}, expected {}: {}", name, what,
                         static_cast<int>(e.kind()), static_cast<int>(kind), e.what()));
      }
      ++calls_;
      return;
    }
    fail(fmt::format("{} takes {} without an error", name, what));
  }

  int calls() const { return calls_; }

 private:
  int calls_ = 0;
};

void check_task(ErrorCheck& check, Bench& bench, const Subject& subject) {
  const auto fresh = [&] { return bench.found.registry.create(bench.found.id, {}); };
  auto& ready = bench.task().task;
  const auto& example = *bench.data.examples.front();
  check.expect_through("describe", [&](const Thrower& f) {
    BadOptions options(f);
    fresh()->describe(options);
  });
  check.expect_through("describe of the reader", [&](const Thrower& f) {
    BadOptions options(f);
    suite::OptionBinder own;
    const auto task = fresh();
    task->describe(own);
    task->make_reader()->describe(options);
  });
  check.expect_through("use_tokenizer", [&](const Thrower& f) {
    const BadTokenizer tokenizer(f);
    plugin::LoadedTask task(bench.found.registry, ready.config());
    task.use_tokenizer(tokenizer);
  });
  check.expect_through("fit", [&](const Thrower& f) {
    BadStream stream(f);
    plugin::LoadedTask unfitted(bench.found.registry, ready.config());
    unfitted.use_tokenizer(*bench.session.tokenizer);
    unfitted.fit(stream);
  });
  check.expect_through("features, the tokenizer", [&](const Thrower& f) {
    const BadTokenizer tokenizer(f);
    ready.features(example, {tokenizer, 64});
  });
  const FeatureContext context{*bench.session.tokenizer, bench.session.suite.model.max_length};
  check.expect_through("features, the sink", [&](const Thrower& f) {
    BadSink sink(f);
    ready.add_features(example, context, sink);
  });
  check.expect_refusal("open", ErrorKind::kIo, "a file that is not there", [&] {
    auto set = *ready.config().train;
    set.path = subject.file.string() + ".is-not-there";
    ready.open(*ready.make_reader(set), set);
  });
  check.expect_through("decode", [&](const Thrower& f) {
    const BadResult result(f);
    ready.decode(example, {&result});
  });
  if (!ready.save_state().empty()) {
    check.expect_refusal("load_state", ErrorKind::kContent, "a state that is none of its own", [&] {
      plugin::LoadedTask other(bench.found.registry, ready.config());
      other.use_tokenizer(*bench.session.tokenizer);
      other.load_state("\x01 this is no state");
    });
  }
}

void check_head(ErrorCheck& check, Bench& bench) {
  const at::NoGradGuard no_grad;
  auto& head = *bench.task().head;
  const auto batch = bench.batch();
  const data::EncodedBatch encoded(*batch, encode(bench, *batch));
  head.eval();
  const auto outputs = plugin::guarded(bench.task().task.site("forward"), [&] { return head.forward(encoded); });
  check.expect_through("forward", [&](const Thrower& f) { head.forward(BadEncoded(f)); });
  check.expect_through("predict", [&](const Thrower& f) { head.predict(BadEncoded(f)); });
  check.expect_through("loss", [&](const Thrower& f) { head.loss(outputs, BadBatch(f), LossDetail::kValues); });
  check.expect_through("log_probabilities", [&](const Thrower& f) { head.log_probabilities(outputs, BadBatch(f)); });
  check.expect_through("targets", [&](const Thrower& f) { head.targets(BadBatch(f)); });
}

}  // namespace

std::string check_errors(const Subject& subject) {
  auto bench = make_bench(subject);
  ErrorCheck check;
  check_task(check, bench, subject);
  check_head(check, bench);
  check.expect_refusal("merge of the metric", ErrorKind::kContent, "a state that is none of its own",
                       [&] { bench.task().task.make_metric()->merge("\x01 this is no state"); });
  // The task still does what it did.
  predictions(bench.session.model_of(bench.task()), bench.data, kExamples);
  return fmt::format("{} calls", check.calls());
}

}  // namespace berth::validation
