import Glibc
import SystemPackage

/// Brings one content into the store: to `blobs/HASH.incomplete`, where a later run continues, and under its own name
/// when its size and checksum are right. Of several runs that want it, one downloads and the others wait.
struct BlobDownload {
    /// What came in.
    enum Progress {
        /// Bytes that are here already.
        case present(Int)
        case received(Int)
        /// Bytes that have to come once more.
        case lost(Int)
    }

    let hub: Hub
    let source: Hub.Source
    let file: RemoteFile
    let folder: RepositoryFolder
    let progress: (Progress) -> Void

    /// How often in a row the server may break off without having got further.
    private static let patience = 5

    func run() async throws(StoreError) {
        let target = folder.blob(file.hash)
        if isPresent(target) { return progress(.present(file.size)) }
        let lock = try await lock()
        defer { withExtendedLifetime(lock) {} }
        if isPresent(target) { return progress(.present(file.size)) }
        let partial = try PartialFile(folder.partialBlob(file.hash), size: file.size, hash: file.hash)
        let continues = partial.count > 0
        if continues { progress(.present(partial.count)) }
        try await fill(partial)
        if continues, !partial.isIntact {
            // What an earlier run left was damaged.
            try restart(partial)
            try await fill(partial)
        }
        try partial.commit(to: target, named: file.path)
    }

    private func isPresent(_ target: FilePath) -> Bool {
        var information = stat()
        return unsafe target.withPlatformString { unsafe stat($0, &information) } == 0
            && Int(information.st_size) == file.size
    }

    private func lock() async throws(StoreError) -> FileLock {
        let path = folder.lock(file.hash)
        var isFirst = true
        while true {
            do throws(CheckpointError) { if let lock = try FileLock.take(path) { return lock } } catch {
                throw .checkpoint(error)
            }
            if isFirst { hub.report(.note("waiting for another download of \(file.path)")) }
            isFirst = false
            do throws(HubError) { try await hub.pause(0.1) } catch { throw .hub(error) }
        }
    }

    private func fill(_ partial: PartialFile) async throws(StoreError) {
        var (failures, furthest) = (0, partial.count)
        while partial.count < file.size {
            let reason = try await receive(partial)
            if partial.count == file.size { return }
            failures = partial.count > furthest ? 1 : failures + 1
            furthest = max(furthest, partial.count)
            let problem = HubError.interrupted(
                file: file.path, received: partial.count, expected: file.size, reason: reason)
            guard failures < Self.patience else { throw .hub(problem) }
            let wait = hub.settings.firstDelay * Double(1 << (failures - 1))
            hub.report(.retrying(problem, seconds: wait))
            do throws(HubError) { try await hub.pause(wait) } catch { throw .hub(error) }
        }
    }

    /// One request, from what is there on.
    ///
    /// - Returns: why it ended, for the case that this was too early.
    private func receive(_ partial: PartialFile) async throws(StoreError) -> String {
        let response: HTTPTransport.Response
        do throws(HubError) { response = try await hub.content(file.path, of: source, from: partial.count) } catch {
            throw .hub(error)
        }
        if response.status == 206 {
            guard response["Content-Range"]?.hasPrefix("bytes \(partial.count)-") == true else {
                try restart(partial)
                return "the server sent another part than was asked for"
            }
        } else if partial.count > 0 {
            try restart(partial)
            // Answered to a range alone.
            if response.status == 416 { return "the server does not have the part that was asked for" }
        }
        var chunks = response.chunks
        while true {
            let chunk: [UInt8]?
            do throws(HTTPFault) { chunk = try await chunks.next() } catch {
                switch error {
                case .timedOut: return "nothing came for \(hub.settings.downloadTimeout) seconds"
                case .failed(let reason): return reason
                case .cancelled: throw .hub(.cancelled)
                }
            }
            guard let chunk else { return "the answer was too short" }
            guard partial.count + chunk.count <= file.size else {
                partial.remove()
                throw .hub(.wrongLength(file: file.path, expected: file.size))
            }
            try partial.append(chunk)
            progress(.received(chunk.count))
        }
    }

    private func restart(_ partial: PartialFile) throws(StoreError) {
        progress(.lost(partial.count))
        try partial.restart()
    }
}

/// A file of the hub whose content can be verified.
struct RemoteFile: Equatable, Sendable {
    /// What a file's size may be: the sum over a listing fits into `Int`.
    static let sizes = 0...1 << 40

    let path: String
    let size: Int
    let hash: ContentHash
}
