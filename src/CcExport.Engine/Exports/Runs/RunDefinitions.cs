namespace CcExport.Engine.Exports;

/// <summary>What to run: a stored export by its name, or one put together at the prompt.</summary>
internal static class RunDefinitions
{
    public static async Task<(string? Name, ExportDefinition Definition)> ResolveAsync(EngineParts parts, RunRequest request, CancellationToken ct)
    {
        if (request.ExportName is { } name)
        {
            (string stored, ExportDefinition definition) = await new ExportBook(parts).FindAsync(name, ct).ConfigureAwait(false);
            return (stored, OfRun(definition, request));
        }
        ExportBook.CheckNumbers(request.BatchSize, request.MaxProfiles, request.KeepDays);
        if (request.Connection is null || request.ListId is null || request.Map is null || (request.Piped is null && request.Source is null))
        {
            throw new CcException("ExportIncomplete", CcErrorKind.InvalidArgument, "A run without a stored export needs a connection, a list, a map, and piped objects or a path.",
                "Give -Connection, -ListId and -Map, and pipe objects in or give -Path.");
        }
        return (null, OfRun(new ExportDefinition
        {
            Connection = request.Connection,
            ListId = ListIds.Parse(request.ListId),
            Source = request.Source,
            Segments = request.Segment,
            Map = new Dictionary<string, string>(request.Map),
            KeyProperty = request.KeyProperty,
            PreferNewest = request.PreferNewest,
            BatchSize = request.BatchSize,
            MaxProfiles = request.MaxProfiles,
            KeepDays = request.KeepDays,
            Mode = request.Mode ?? ExportMode.Upsert,
        }, request));
    }

    /// <summary>What one run was told beyond its export.</summary>
    private static ExportDefinition OfRun(ExportDefinition definition, RunRequest request)
    {
        ExportBook.CheckShares(request.MaxShrink, request.MaxGrowth);
        return definition.Unscheduled() with
        {
            Verify = request.Verify,
            IncludeLeavers = request.IncludeLeavers,
            Full = request.Full,
            TakeOwnership = request.TakeOwnership,
            Force = request.Force,
            NoUndo = request.NoUndo || definition.NoUndo,
            MaxShrink = request.MaxShrink ?? definition.MaxShrink,
            MaxGrowth = request.MaxGrowth ?? definition.MaxGrowth,
            SuppressionPath = [.. definition.SuppressionPath ?? [], .. request.SuppressionPath],
        };
    }
}
