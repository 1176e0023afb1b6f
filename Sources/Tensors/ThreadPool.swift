import FoundationEssentials
import Glibc
package import Synchronization

/// The program's threads. All work that is split enters through `run`, and a split inside a split runs on the thread
/// that asked, so that threads never nest; the matrix libraries themselves use one thread a call.
///
/// A job stays open while blocks remain. A worker that comes late finds it closed and is not waited for, so a core that
/// something else occupies costs its share and no more.
package final class ThreadPool: @unchecked Sendable {  // `job` is written only while no worker is inside
    /// How many threads `shared` starts; takes effect before its first use. 0: one for each core.
    package static let requestedThreads = Atomic<Int>(0)

    package static let shared = ThreadPool(threads: requestedThreads.load(ordering: .relaxed))

    package let threads: Int

    private struct Job {
        let blocks: Int
        let body: (Int) -> Void
    }
    private var job = Job(blocks: 0) { _ in }
    private let isBusy = Atomic<Bool>(false)
    private let nextBlock = Atomic<Int>(0)
    /// Job number, an open bit and the number of workers inside.
    private let state = Atomic<UInt64>(0)
    private let sleepers = Atomic<Int>(0)
    private let wakeUp = WakeUp()

    private static let openBit: UInt64 = 1 << 16
    private static let insideMask: UInt64 = openBit - 1
    private static let jobShift: UInt64 = 17
    /// How long a worker looks for the next job before it sleeps: longer than the gaps between the operations of a
    /// sentence or a training step, and between lone sentences that follow one another. Woken from sleep, it comes after
    /// tenths of a millisecond, in which a lone sentence is half computed.
    private static let patience = Duration.milliseconds(2)
    /// How often a waiting thread looks before it offers its core to others, which takes about as long.
    private static let looks = 500

    /// The processors this process may run on.
    package static var cores: Int { ProcessInfo.processInfo.activeProcessorCount }

    package init(threads: Int) {
        self.threads = min(64, threads > 0 ? threads : Self.cores)
        for _ in 1..<max(2, self.threads) where self.threads > 1 { startWorker() }
    }

    /// Whether a split is going on, so that another one would run on the thread that asks.
    var isSplitting: Bool { threads == 1 || isBusy.load(ordering: .relaxed) }

    /// Calls `body` once for every block in `0..<blocks`, on whichever thread is free, and returns when all are done.
    package func run(_ blocks: Int, _ body: (_ block: Int) -> Void) {
        guard threads > 1, blocks > 1, !isBusy.exchange(true, ordering: .acquiring) else {
            for block in 0..<max(0, blocks) { body(block) }
            return
        }
        withoutActuallyEscaping(body) { body in
            job = Job(blocks: blocks, body: body)
            nextBlock.store(0, ordering: .relaxed)
            let number = (state.load(ordering: .relaxed) >> Self.jobShift) + 1
            state.store(number << Self.jobShift | Self.openBit, ordering: .sequentiallyConsistent)
            if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wakeUp.broadcast() }
            work()
            state.bitwiseAnd(~Self.openBit, ordering: .acquiringAndReleasing)
            _ = look { state.load(ordering: .acquiring) & Self.insideMask == 0 ? () : nil }
            job = Job(blocks: 0) { _ in }
        }
        isBusy.store(false, ordering: .releasing)
    }

    private func work() {
        let job = job
        while true {
            let block = nextBlock.add(1, ordering: .relaxed).oldValue
            if block >= job.blocks { return }
            job.body(block)
        }
    }

    private func workerLoop() {
        var last: UInt64 = 0
        while true {
            let seen = waitForJob(after: last)
            last = seen >> Self.jobShift
            var current = seen
            while current >> Self.jobShift == last, current & Self.openBit != 0 {
                let (entered, actual) = state.compareExchange(
                    expected: current, desired: current + 1, ordering: .acquiring)
                if entered {
                    work()
                    state.subtract(1, ordering: .releasing)
                    break
                }
                current = actual
            }
        }
    }

    private func waitForJob(after last: UInt64) -> UInt64 {
        func newJob() -> UInt64? {
            let seen = state.load(ordering: .sequentiallyConsistent)
            return seen & Self.openBit != 0 && seen >> Self.jobShift != last ? seen : nil
        }
        if let seen = look(for: Self.patience, newJob) { return seen }
        sleepers.add(1, ordering: .sequentiallyConsistent)
        defer { sleepers.subtract(1, ordering: .sequentiallyConsistent) }
        return wakeUp.wait(until: newJob)
    }

    /// Calls `check` until it finds something or time is up, and leaves the core to others now and then.
    @inline(__always)
    private func look<Value>(for time: Duration? = nil, _ check: () -> Value?) -> Value? {
        let end = time.map { ContinuousClock.now + $0 }
        while true {
            for _ in 0..<Self.looks {
                if let value = check() { return value }
            }
            sched_yield()
            if let end, ContinuousClock.now >= end { return nil }
        }
    }

    private func startWorker() {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                let pool = unsafe Unmanaged<ThreadPool>.fromOpaque(context!).takeRetainedValue()
                pool.workerLoop()
                return nil
            }, context)
        // Without the thread the pool is merely slower.
        if status != 0 { unsafe Unmanaged<ThreadPool>.fromOpaque(context).release() } else { pthread_detach(thread) }
    }
}

/// A condition that sleeping workers wait for. POSIX makes both objects safe to share; they live as long as the program.
@safe private final class WakeUp: @unchecked Sendable {  // see above
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    func broadcast() {
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_broadcast(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    func wait<Value>(until check: () -> Value?) -> Value {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let value = check() { return value }
            unsafe pthread_cond_wait(condition, mutex)
        }
    }
}
