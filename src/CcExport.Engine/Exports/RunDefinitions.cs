namespace CcExport.Engine.Exports;

/// <summary>What to run: a stored export by its name, or one put together at the prompt.</summary>
internal static class RunDefinitions
{
    public static async Task<(string? Name, ExportDefinition Definition)> ResolveAsync(EngineParts parts, RunRequest request, CancellationToken ct)
    {
        if (request.ExportName is { } name)
        {
            (string stored, ExportDefinition definition) = await new ExportBook(parts).FindAsync(name, ct).ConfigureAwait(false);
            // The connection may have another name by now: the export knows it by its id.
            Export view = (await new ExportBook(parts).ListAsync(ct).ConfigureAwait(false)).First(e => e.Name == stored);
            definition = definition with { Connection = view.Connection };
            return (stored, definition);
        }
        ExportBook.CheckNumbers(request.BatchSize, request.MaxProfiles, request.KeepDays);
        if (request.Connection is null || request.ListId is null || request.Map is null || (request.Piped is null && request.Source is null))
        {
            throw new CcException("ExportIncomplete", CcErrorKind.InvalidArgument, "A run without a stored export needs a connection, a list, a map, and piped objects or a path.",
                "Give -Connection, -ListId and -Map, and pipe objects in or give -Path.");
        }
        return (null, new ExportDefinition
        {
            Connection = request.Connection,
            ListId = ListIds.Parse(request.ListId),
            Source = request.Source,
            Segments = request.Segment,
            Map = new Dictionary<string, string>(request.Map),
            KeyProperty = request.KeyProperty,
            BatchSize = request.BatchSize,
            MaxProfiles = request.MaxProfiles,
            KeepDays = request.KeepDays,
        });
    }
}
