// Nothing is wrong with this one.
#include "berth/plugin.h"
#include "minimal_task.h"

BERTH_PLUGIN("good", "1.2.3", "a plugin of berth's tests", MinimalTask)
