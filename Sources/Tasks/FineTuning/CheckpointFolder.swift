import Checkpoints
import FoundationEssentials
import Glibc
package import SystemPackage

/// The checkpoints of one run: a directory with the last one that is whole, and while the next is written also that.
/// What else somebody has put there stays, and then so does the directory.
package final class CheckpointFolder {
    let path: FilePath
    /// The last one that is whole.
    package private(set) var latest: FilePath?
    private var number = 0
    private var lock: FileLock?

    private static let prefix = "checkpoint-"

    /// Takes the place for this run alone: a second one is refused while this one lives.
    ///
    /// - Parameter resumes: whether what is there may be used.
    package init(_ path: FilePath, resumes: Bool) throws(RunCheckpointError) {
        self.path = path
        do throws(Errno) { try makeDirectory(path) } catch { throw .file(.unwritable(path, error)) }
        lock = FileLock.takeDirectory(path)
        if lock == nil { throw .inUse(path) }
        number = Self.lastNumber(path)
        guard resumes || number == 0 else { throw .exists(path) }
        removeUnfinished()
        if number > 0 { latest = path.appending("\(Self.prefix)\(number)") }
        removeOthers()
    }

    deinit { if latest == nil, number == 0 { remove() } }

    /// Writes a checkpoint; the one before stays until this one is on the disk.
    package func write(
        _ body: (_ directory: FilePath, _ previous: FilePath?) throws(RunCheckpointError) -> Void
    ) throws(RunCheckpointError) {
        let target = path.appending("\(Self.prefix)\(number + 1)")
        let directory: AtomicDirectory
        do { directory = try AtomicDirectory(target) } catch { throw .file(error) }
        try body(directory.temporary, latest)
        do { try directory.commit() } catch { throw .file(error) }
        number += 1
        latest = target
        removeOthers()
    }

    /// Removes all checkpoints.
    package func remove() {
        if lock == nil { return }
        latest = nil
        removeUnfinished()
        removeOthers()
        removeEmptyDirectory(path)
        lock = nil
    }

    /// Whether a directory holds a checkpoint that is whole.
    static func holdsCheckpoint(_ path: FilePath) -> Bool { lastNumber(path) > 0 }

    private static func lastNumber(_ path: FilePath) -> Int {
        names(path).compactMap(number).max() ?? 0
    }

    /// The number of a checkpoint; `nil` of what is none.
    private static func number(_ name: String) -> Int? {
        guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)), 0 < number, number < .max,
            name == "\(prefix)\(number)"
        else { return nil }
        return number
    }

    private static func names(_ path: FilePath) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? []
    }

    /// Removes what a killed process has left half-written.
    private func removeUnfinished() {
        for name in Self.names(path) {
            if let checkpoint = AtomicDirectory.target(ofTemporary: name), Self.number(checkpoint) != nil {
                remove(path.appending(name))
            }
        }
    }

    private func removeOthers() {
        for name in Self.names(path) where Self.number(name) != nil && name != latest?.lastComponent?.string {
            remove(path.appending(name))
        }
    }

    private func remove(_ path: FilePath) { try? FileManager.default.removeItem(atPath: path.string) }
}

/// Removes a directory, unless something is in it.
func removeEmptyDirectory(_ path: FilePath) {
    unsafe path.withPlatformString { _ = unsafe rmdir($0) }
}

/// Gives a file a second name.
///
/// - Returns: whether the file system does so.
func hardLink(_ file: FilePath, as name: FilePath) -> Bool {
    unsafe file.withPlatformString { file in unsafe name.withPlatformString { unsafe link(file, $0) } } == 0
}
