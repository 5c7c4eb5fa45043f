namespace CcExport.Chaos;

/// <summary>What became of one run, in the figures of the table.</summary>
internal sealed class RunReport(RunPlan plan)
{
    public RunPlan Plan => plan;
    public int Hosts { get; set; }
    /// <summary>A step with before or after, or "any moment".</summary>
    public List<string> Kills { get; } = [];
    public Dictionary<string, int> Faults { get; } = [];
    /// <summary>Import jobs that did not complete, by how they ended.</summary>
    public Dictionary<string, int> Jobs { get; } = [];
    /// <summary>Contacts that went once more since their first job had not done them.</summary>
    public long OnceMore { get; set; }
    /// <summary>Contacts that went once more though the list had them just so before the run: their first job left no trace by which it could be known.</summary>
    public long Needless { get; set; }
    /// <summary>Contacts whose second job did not do them either.</summary>
    public long FailedTwice { get; set; }
    public int Expiries { get; set; }
    public int RotationDeaths { get; set; }
    public long Lost { get; set; }
    public long Twice { get; set; }
    public int DeadTokens { get; set; }
    public bool BalanceOff { get; set; }
    public bool RejectionsOff { get; set; }
    public int OverLimit { get; set; }
    public long InDoubt { get; set; }
    public bool NotAtItsEnd { get; set; }
    public bool AddressInClear { get; set; }
    public bool SpoolLeft { get; set; }
    /// <summary>What a person needs to know to look into it.</summary>
    public List<string> Findings { get; } = [];

    public bool IsClean => Lost == 0 && Twice == 0 && DeadTokens == 0 && !BalanceOff && !RejectionsOff && OverLimit == 0
        && !NotAtItsEnd && !AddressInClear && !SpoolLeft;
}
