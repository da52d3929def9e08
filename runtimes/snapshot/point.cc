// Saves what only a process itself can tell: a shared library that is loaded by the process whose
// snapshot is taken. thaw_point() returns twice, as setjmp(3) does: 1 in a process that was
// restored.
#include <dlfcn.h>
#include <sys/prctl.h>

#include <cstddef>
#include <cstdint>

#include "calls.h"
#include "image.h"

namespace {

using thaw::snapshot::address;
using thaw::snapshot::call;
using thaw::snapshot::Point;
using thaw::snapshot::read_cpu;

constexpr uint64_t kRseqSignature = 0x53053053;  // glibc's on x86-64
constexpr uint64_t kRseqLength = 32;             // what glibc registers before 2.40
constexpr int kStop = 19;                        // SIGSTOP

struct AlternateStack {
  uint64_t pointer;
  uint32_t flags, unused;
  uint64_t size;
};

uint64_t fs_base() {
  uint64_t base = 0;
  (void)call(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, address(&base));
  return base;
}

void save_rseq(Point& point) {
  const auto* size = static_cast<const unsigned*>(::dlsym(RTLD_DEFAULT, "__rseq_size"));
  const auto* offset = static_cast<const ptrdiff_t*>(::dlsym(RTLD_DEFAULT, "__rseq_offset"));
  if (size == nullptr || offset == nullptr || *size == 0) return;
  point.rseq = point.fs_base + static_cast<uint64_t>(*offset);
  point.rseq_length = *size > kRseqLength ? *size : kRseqLength;
  point.rseq_signature = kRseqSignature;
}

}  // namespace

/// 0, or what cannot be saved: 1 the thread's id is not where it is looked for; 2 not by this
/// kernel; 3 the mask of signals.
extern "C" __attribute__((visibility("hidden"))) int thaw_fill(Point* point) {
  point->fs_base = fs_base();
  int* tid = nullptr;
  if (call(SYS_prctl, PR_GET_TID_ADDRESS, address(&tid)) != 0) return 2;
  if (tid == nullptr || *tid != call(SYS_gettid)) return 1;
  point->tid_address = reinterpret_cast<uint64_t>(tid);
  (void)call(SYS_get_robust_list, 0, address(&point->robust_list), address(&point->robust_length));
  save_rseq(*point);
  read_cpu(point->cpu);
  AlternateStack stack{};
  (void)call(SYS_sigaltstack, 0, address(&stack));
  point->alternate_stack = stack.pointer;
  point->alternate_flags = stack.flags;
  point->alternate_size = stack.size;
  for (int number = 1; number <= thaw::snapshot::kSignals; ++number)
    (void)call(SYS_rt_sigaction, static_cast<uint64_t>(number), 0,
               address(&point->actions[number - 1]), 8);
  if (call(SYS_rt_sigprocmask, 0, 0, address(&point->blocked), 8) != 0) return 3;
  (void)call(SYS_kill, static_cast<uint64_t>(call(SYS_getpid)),
             kStop);  // the writer looks at us now, and ends us
  return 0;
}

/// Fills `point` and stops the process. Returns 1 after a restore, 0 when it was let go on without
/// one, or -1 to -3, see thaw_fill.
extern "C" __attribute__((visibility("default"))) int thaw_point(Point* point);

asm(R"(
    .text
    .globl thaw_point
    .type thaw_point, @function
thaw_point:
    movq %rbx, 0(%rdi)
    movq %rbp, 8(%rdi)
    movq %r12, 16(%rdi)
    movq %r13, 24(%rdi)
    movq %r14, 32(%rdi)
    movq %r15, 40(%rdi)
    leaq 8(%rsp), %rax
    movq %rax, 48(%rdi)
    movq (%rsp), %rax
    movq %rax, 56(%rdi)
    stmxcsr 72(%rdi)
    movl $0, 76(%rdi)
    fnstcw 76(%rdi)
    subq $8, %rsp
    call thaw_fill
    addq $8, %rsp
    negl %eax
    ret
    .size thaw_point, . - thaw_point
)");
static_assert(offsetof(Point, rip) == 56 && offsetof(Point, mxcsr) == 72);
