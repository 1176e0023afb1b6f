import FoundationEssentials
import SystemPackage
import TestSupport
import Testing

@Suite("graft fetch")
struct FetchTests {
    private let scratch: TemporaryDirectory
    private let server: LocalServer
    private let repository = HubRepository.tiny()
    private let graft: Graft

    init() throws {
        scratch = try TemporaryDirectory()
        server = try LocalServer()
        server.answer { [repository] in repository.answer($0) }
        graft = Graft(environment: [
            "HF_HOME": scratch("hf").string, "HF_ENDPOINT": server.address, "HF_TOKEN": "hf_secret",
            "NO_PROXY": "127.0.0.1", "HF_HUB_CACHE": "", "HF_HUB_OFFLINE": "", "TRANSFORMERS_OFFLINE": "",
        ])
    }

    private func blobs() -> [String] {
        let path = scratch("hf/hub/models--org--tiny/blobs").string
        return (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    }

    @Test("prints the directory, and the model is used by its name and revision without a network")
    func fetching() async throws {
        let missing = try await graft("embed", "org/tiny")
        #expect(missing.status == 1 && missing.errors.contains("Run: graft fetch org/tiny"))
        #expect(server.requests.isEmpty)
        let result = try await graft("fetch", "org/tiny")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == "\(scratch("hf/hub/models--org--tiny/snapshots/\(repository.commit)"))\n")
        #expect(result.errors.contains("left out tf_model.h5, pytorch_model.bin, onnx/ (6 MB)"))
        // No bar where nobody looks, and no secret.
        #expect(!result.errors.contains("\u{1B}") && !result.errors.contains("hf_secret"))
        server.forgetRequests()
        for name in ["tiny", "org/tiny@main", "tiny@\(repository.commit)"] {
            let embedded = try await graft("embed", name, input: Array("good\n".utf8))
            #expect(embedded.status == 0 && !embedded.output.isEmpty, "\(embedded.errors)")
        }
        #expect(try await graft("fetch", "org/tiny").errors.contains("in the store already"))
        #expect(server.requests.isEmpty)
    }

    @Test("what cannot be fetched ends with one line and status 1")
    func failures() async throws {
        for (arguments, text) in [
            (["org/other"], "has no model of this name"), (["org/tiny", "--revision", "v9"], "has no revision \"v9\""),
            (["org/tiny", "--include", "none"], "has no file that fits none"), (["a b"], "not a name for a model"),
            (["org/tiny@v1", "--revision", "v2"], "expected one branch, tag or commit"),
            ([scratch.path.string, "--update"], "is on this machine"), (["org/model.zip"], "cannot be read"),
        ] {
            let result = try await graft.run(["fetch"] + arguments)
            #expect(result.status == 1 && result.output.isEmpty)
            #expect(result.errors.hasPrefix("graft: error: ") && result.errors.contains(text), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1)
        }
        var offline = graft
        offline.environment["HF_HUB_OFFLINE"] = "1"
        server.forgetRequests()
        #expect(try await offline("fetch", "org/tiny").errors.contains("HF_HUB_OFFLINE"))
        #expect(server.requests.isEmpty)
    }

    @Test(
        "Ctrl-C and kill -9 leave nothing that is taken for a model, and the next run continues",
        arguments: ["INT", "KILL"])
    func killed(signal: String) async throws {
        let (repository, weights) = (repository, repository.files["model.safetensors"] ?? [])
        server.answer { request in
            var response = repository.answer(request)
            if request.path.hasPrefix("/storage/"), request.headers["range"] == nil { response.stallAfter = 5000 }
            return response
        }
        let partial = scratch("hf/hub/models--org--tiny/blobs/\(repository.hash("model.safetensors")).incomplete")
        // An interactive shell's jobs, unlike those of a script, do not ignore the signal.
        let result = try await graft.shell(
            """
            python3 -c 'import signal, sys, os
            signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
            \(Graft.executable) fetch org/tiny & pid=$!
            for i in $(seq 1200); do [ "$(stat -c %s \(partial) 2> /dev/null)" = 5000 ] && break; sleep 0.05; done
            kill -\(signal) $pid; wait $pid; echo $?
            """)
        #expect(result.output == (signal == "INT" ? "130\n" : "137\n"))
        #expect(contents(of: partial)?.elementsEqual(weights.prefix(5000)) == true, "not the first 5,000 bytes")
        let unusable = try await graft("embed", "org/tiny")
        #expect(unusable.errors.contains("Run: graft fetch org/tiny"))
        server.forgetRequests()
        let again = try await graft("fetch", "org/tiny")
        #expect(again.status == 0, "\(again.errors)")
        #expect(server.requests.contains { $0.path.hasPrefix("/storage/") && $0.headers["range"] == "bytes=5000-" })
        #expect(try await graft("embed", "tiny", input: Array("good\n".utf8)).status == 0)
        #expect(blobs().allSatisfy { !$0.hasSuffix(".incomplete") })
    }

    @Test("three programs that fetch the same model at once all succeed, with one download")
    func together() async throws {
        let result = try await graft.shell(
            "for i in 1 2 3; do \(Graft.executable) fetch org/tiny 2> /dev/null & done; wait")
        let path = "\(scratch("hf/hub/models--org--tiny/snapshots/\(repository.commit)"))\n"
        #expect(result.output == path + path + path)
        #expect(server.requests.filter { $0.path.hasPrefix("/storage/") }.count == 1)
        #expect(blobs().count == 4)
    }

    @Test("a bar with megabytes, rate and time left is drawn on a terminal, and not with HF_HUB_DISABLE_PROGRESS_BARS")
    func progress() async throws {
        let command = "script -qec '\(Graft.executable) fetch org/tiny' /dev/null"
        var quiet = graft
        quiet.environment["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        #expect(try await !quiet.shell(command).output.contains("MB/s"))
        try FileManager.default.removeItem(atPath: scratch("hf").string)
        let output = try await graft.shell(command).output
        #expect(output.contains("0.1/0.1 MB") && output.contains("MB/s") && output.contains("left"), "\(output)")
    }

    @Test("Python modules in the directory where the user stands are not run")
    func hostileDirectory() async throws {
        _ = try TinyModel.make(in: scratch, named: "base")
        for name in ["zipfile", "tarfile", "pip", "shutil", "argparse", "gzip"] {
            try scratch.write("open('\(scratch("ran"))', 'w').close()\n", to: "stand/\(name).py")
        }
        var graft = graft
        graft.environment["PIP_INDEX_URL"] = "http://127.0.0.1:1"
        let result = try await graft.shell(
            """
            cd \(scratch.path); tar czf mt.tar.gz base; python3 -m zipfile -c packed.zip base; cd stand
            \(Graft.executable) fetch ../mt.tar.gz; \(Graft.executable) fetch ../packed.zip
            \(Graft.executable) fetch all-MiniLM-L6-v2
            """)
        #expect(result.errors.contains("graft: mt is in the store\n"), "\(result.errors)")
        #expect(result.errors.contains("graft: packed is in the store\n"), "\(result.errors)")
        #expect(result.errors.contains("cannot be downloaded"), "\(result.errors)")
        #expect(contents(of: scratch("ran")) == nil, "a module of the directory was run")
        graft.environment["PATH"] = scratch("stand").string
        let withoutPython = try await graft("fetch", scratch("mt.tar.gz").string, "--as", "me/mt")
        #expect(withoutPython.errors.contains("mt.tar.gz: cannot be unpacked: python3 is not installed."))
    }

    @Test("a proxy is asked for a tunnel where the environment names one, and not for the hosts of NO_PROXY")
    func proxy() async throws {
        server.answer { _ in .init(403) }
        var behind = graft
        behind.environment.merge(
            ["HF_ENDPOINT": "http://hub.invalid", "HTTP_PROXY": server.address, "http_proxy": ""]) { $1 }
        #expect(try await behind("fetch", "org/tiny").errors.contains("hub.invalid: cannot be reached"))
        #expect(server.requests.first?.method == "CONNECT" && server.requests.first?.path == "hub.invalid:80")
        // The token is for the hub, not for the proxy.
        #expect(server.requests.allSatisfy { $0.headers["authorization"] == nil })
        behind.environment["NO_PROXY"] = ".invalid"
        server.forgetRequests()
        #expect(try await behind("fetch", "org/tiny").errors.contains("hub.invalid: cannot be reached"))
        #expect(server.requests.isEmpty)
    }
}
