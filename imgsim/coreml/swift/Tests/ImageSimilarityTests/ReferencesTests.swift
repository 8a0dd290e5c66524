import Foundation
import Testing

@testable import ImageSimilarity

@Suite struct ReferencesTests {
    @Test func sideFile() throws {
        let references = try read(sample)
        #expect(references.ids == ["a.jpg", "b.jpg"])
        #expect(references.labels == ["cat", "dog"])
        #expect(references.outputs == .topk)
        #expect(references.golden[0].png == Data([137, 80, 78, 71]))
        #expect(references.golden[0].nearest == [Neighbor(id: "b.jpg", distance: 0.25)])
    }

    @Test func otherFormatsAndCropsAreRefused() {
        #expect(throws: SimilarityError.unsupportedFormat(2)) {
            try read(sample.replacingOccurrences(of: "\"format\": 1", with: "\"format\": 2"))
        }
        #expect(throws: SimilarityError.unsupportedCrop("centerCrop")) {
            try read(sample.replacingOccurrences(of: "scaleFill", with: "centerCrop"))
        }
    }

    @Test func metadata() throws {
        let references = try References(metadata: [
            "imgsim.reference_ids": #"["é.jpg", "b"]"#, "imgsim.metric": "euclidean", "imgsim.crop_and_scale": "scaleFill",
        ])
        #expect(references.ids == ["é.jpg", "b"])
        #expect(references.labels == nil && references.golden.isEmpty)
        #expect(try References(metadata: [:]).ids.isEmpty)
    }

    @Test func sideFileLiesBesideTheModel() {
        for name in ["Flowers.mlpackage", "Flowers.mlmodel", "Flowers.mlmodelc"] {
            #expect(References.sideFile(of: URL(fileURLWithPath: "/m/\(name)")).path == "/m/Flowers.references.json")
        }
    }

    /// Side files that Python wrote, where a folder of them is given; GoldenModelTests checks their golden vectors.
    @Test(.enabled(if: environment("IMGSIM_REFERENCES") != nil)) func sideFilesOfPython() throws {
        let folder = URL(fileURLWithPath: environment("IMGSIM_REFERENCES") ?? "")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasSuffix(".references.json") }
        #expect(!files.isEmpty)
        for file in files {
            let references = try References(contentsOf: file)
            let ids = Set(references.ids)
            #expect(references.outputs != nil && references.input != nil && references.about["imgsim.version"] != nil)
            #expect(!references.golden.isEmpty)
            for golden in references.golden {
                #expect(golden.png.starts(with: [137, 80, 78, 71]) && !golden.nearest.isEmpty)
                #expect(ids.isEmpty || golden.nearest.allSatisfy { ids.contains($0.id) })
                #expect((golden.features != nil) == (references.outputs == .features))
            }
        }
    }
}

func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

private func read(_ json: String) throws -> References {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).references.json")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(json.utf8).write(to: file)
    return try References(contentsOf: file)
}

private let sample = """
    {"format": 1, "ids": ["a.jpg", "b.jpg"], "labels": ["cat", "dog"], "metric": "euclidean", "crop_and_scale": "scaleFill",
     "input": {"name": "image", "width": 64, "height": 64}, "outputs": "topk",
     "golden": [{"png": "iVBORw==", "nearest": [{"id": "b.jpg", "distance": 0.25}]}],
     "about": {"imgsim.version": "0.1.0"}}
    """
