// AdamW (Loshchilov & Hutter 2019) with bias correction, equal to torch.optim.AdamW; one pass over all gradients for
// their norm, one for the update. Where the plan has an anchor, the decoupled decay pulls towards that in place of
// zero, in a pass of its own: what L2-SP (Li, Grandvalet & Davoine 2018, "Explicit Inductive Bias for Transfer
// Learning") has as a penalty in the loss.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/training/adamw_kernel.h"
#include "core/training/lazy_rows.h"
#include "core/training/parameter_plan.h"
#include "core/training/training_state.h"

namespace berth::training {

struct GradientSummary {
  double norm = 0;  // of all gradients together, after `scale`, before clipping
};

class AdamW {
 public:
  // table: the parameter of the plan whose gradients may be sparse, rows of it; it is told what is read by read_rows().
  // Once its gradient is dense, it stays so. Undefined, or not trained: there is none.
  AdamW(const ParameterPlan& plan, const suite::OptimizerConfig& config, const at::Tensor& table = {});

  // Multiplies all gradients by `scale`, clips their common norm to clip_norm (0: no clipping), updates every trained
  // parameter that has a gradient at its rate times factors[its schedule], and frees the gradients. A parameter without
  // one (a head whose task is not in this step) stays as it is, moments and count of steps too, as in torch. A norm
  // that is not finite changes nothing and is returned for the caller to judge.
  GradientSummary step(double scale, double clip_norm, const std::vector<double>& factors);

  // Rows of the table that are not up to date wait for these: to be called before the rows (int64) are read, and before
  // anything else reads the table. The weights' bits do not depend on when.
  void read_rows(const at::Tensor& rows);
  void settle();

  // Moments, counts of steps, and which rows of the table have moments. To be saved settled, and loaded with the
  // parameters as they were then; what was known is forgotten. Throws Error kContent where the state is another plan's.
  void save(TrainingState& state) const;
  void load(const TrainingState& state);

 private:
  struct Slot {
    std::string name;
    at::Tensor parameter, mean, variance;
    at::Tensor anchor;  // what decay pulls towards; undefined: zero
    double rate = 0;
    double weight_decay = 0;
    std::size_t schedule = 0;
    std::int64_t steps = 0;
  };
  // What a step does to one parameter. On a device its gradient is dense.
  struct Update {
    Slot* slot = nullptr;
    at::Tensor gradient;   // dense, or the values of a sparse one
    at::Tensor rows = {};  // of a sparse one: [values' rows] int64, ascending
    double rate = 0;
    AdamWStep step = {};
  };

  std::vector<Update> take_gradients();
  AdamWStep step_of(Slot& slot, double scale, double rate) const;
  bool has_rows(const Slot& slot) const { return table_.defined() && slot.parameter.is_same(table_); }
  double norm_of(const std::vector<Update>& updates) const;
  void apply(const std::vector<Update>& updates);
  void apply_on_device(const std::vector<Update>& updates, double scale) const;
  void update_rows(const Update& update);
  std::vector<std::int64_t> rows_with_moments() const;

  double beta1_, beta2_, epsilon_;
  bool is_on_cpu_ = true;
  std::vector<Slot> slots_;
  std::optional<LazyRows> lazy_;  // of table_, on the processor; a device makes dense steps of all rows
  at::Tensor table_;
};

}  // namespace berth::training
