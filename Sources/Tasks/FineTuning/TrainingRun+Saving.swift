import Checkpoints
import SystemPackage
import Tensors
import Transformer

/// Where a run writes its checkpoints, and what it remembers of the last one.
struct RunSaving {
    let checkpoints: FineTuning.Checkpoints
    let folder: CheckpointFolder
    /// Made with the first checkpoint: a short run needs none.
    var identity: RunIdentity?
    var lastSaved = monotonicSeconds()
    /// What the last checkpoint holds as the best weights.
    var savedBest: SavedBest?

    struct SavedBest {
        let evaluation: Int
        let checksum: UInt32
    }
}

/// Checkpoints of a run.
extension TrainingRun {
    /// Finds the place for checkpoints, and goes on with the one that is there if that is asked for.
    func prepareSaving(
        _ checkpoints: FineTuning.Checkpoints?, _ report: (FineTuning.Event) -> Void
    ) throws(FineTuning.Failure) {
        guard let checkpoints else { return }
        do throws(RunCheckpointError) {
            let folder = try CheckpointFolder(checkpoints.directory, resumes: checkpoints.resumes)
            saving = RunSaving(checkpoints: checkpoints, folder: folder)
            if let directory = folder.latest { try resume(directory, report) }
        } catch { throw .checkpoint(error) }
    }

    /// The end of a run that is interrupted where there is nothing new to save.
    var interruption: FineTuning.Failure {
        .interrupted(step: state.step, checkpoint: saving.flatMap { $0.folder.latest == nil ? nil : $0.folder.path })
    }

    private func identity(_ saving: RunSaving) throws(RunCheckpointError) -> RunIdentity {
        if let identity = saving.identity { return identity }
        do {
            let identity = try work.identity()
            self.saving?.identity = identity
            return identity
        } catch { throw .file(error) }
    }

    private func resume(_ directory: FilePath, _ report: (FineTuning.Event) -> Void) throws(RunCheckpointError) {
        guard let saving else { return }
        let checksums = try FileChecksums(directory)
        try checksums.check(directory, RunCheckpoint.names, optional: RunCheckpoint.bestName)
        let checkpoint = try RunCheckpoint(directory)
        let differences = try identity(saving).differences(from: checkpoint.identity)
        guard differences.isEmpty else {
            throw .otherRun(directory.removingLastComponent(), differences: differences.map(\.description))
        }
        try checkpoint.restore(optimizer, from: directory)
        state = checkpoint.state
        work.dropout?.state = state.dropout
        do throws(CheckpointError) {
            if try RunCheckpoint.restore(bestWeights, from: directory), let best = state.best,
                let checksum = checksums[RunCheckpoint.bestName]
            {
                self.saving?.savedBest = RunSaving.SavedBest(evaluation: best, checksum: checksum)
            }
        } catch { throw .file(error) }
        report(.resumed(directory.removingLastComponent(), epoch: state.epoch, step: state.step))
    }

    func saveIfDue(endsEpoch: Bool, _ report: (FineTuning.Event) -> Void) {
        guard let saving,
            saving.checkpoints.isDue(
                step: state.step, seconds: monotonicSeconds() - saving.lastSaved, endsEpoch: endsEpoch)
        else { return }
        do throws(RunCheckpointError) {
            try save()
            report(.checkpoint(saving.folder.path, step: state.step))
        } catch {
            // Not at every step again.
            self.saving?.lastSaved = monotonicSeconds()
            report(.checkpointFailed(error))
        }
    }

    private func save() throws(RunCheckpointError) {
        guard let saving else { return }
        let checkpoint = RunCheckpoint(
            identity: try identity(saving), state: state, optimizerSteps: optimizer.state.steps)
        var best: RunSaving.SavedBest?
        try saving.folder.write { directory, previous throws(RunCheckpointError) in
            do throws(CheckpointError) {
                try checkpoint.write(to: directory, optimizer)
                best = try writeBest(to: directory, previous, saving.savedBest)
                var checksums = try FileChecksums(of: RunCheckpoint.names, in: directory)
                checksums[RunCheckpoint.bestName] = best?.checksum
                try checksums.write(to: directory)
            } catch { throw .file(error) }
        }
        self.saving?.lastSaved = monotonicSeconds()
        self.saving?.savedBest = best
    }

    /// Writes the best weights, if there are any; those that the checkpoint before has get a second name, and keep the
    /// checksum that they were written with.
    private func writeBest(
        to directory: FilePath, _ previous: FilePath?, _ saved: RunSaving.SavedBest?
    ) throws(CheckpointError) -> RunSaving.SavedBest? {
        guard bestWeights.areKept, let evaluation = state.best else { return nil }
        let path = directory.appending(RunCheckpoint.bestName)
        if let previous, let saved, saved.evaluation == evaluation,
            hardLink(previous.appending(RunCheckpoint.bestName), as: path)
        {
            return saved
        }
        try bestWeights.write(to: path)
        return RunSaving.SavedBest(evaluation: evaluation, checksum: try FileChecksums.crc32(of: path))
    }

    /// Writes a checkpoint and ends the run.
    func saveInterrupted(_ report: (FineTuning.Event) -> Void) throws(FineTuning.Failure) {
        guard let saving else { throw .interrupted(step: state.step, checkpoint: nil) }
        do { try save() } catch {
            report(.checkpointFailed(error))
            throw interruption
        }
        report(.checkpoint(saving.folder.path, step: state.step))
        throw .interrupted(step: state.step, checkpoint: saving.folder.path)
    }

    /// Writes what a run that ended has made; then its checkpoint goes. Where that cannot be written, the result becomes
    /// a checkpoint, if there is room for one.
    func deliver(_ write: () throws(CheckpointError) -> Void) throws(FineTuning.Failure) {
        do throws(CheckpointError) { try write() } catch {
            try? save()
            throw .output(error, checkpoint: saving?.folder.latest == nil ? nil : saving?.folder.path)
        }
        saving?.folder.remove()
    }
}
