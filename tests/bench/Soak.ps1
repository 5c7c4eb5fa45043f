#Requires -Version 7.4
<#
.SYNOPSIS
    Exports again and again in one process, and fails when its memory keeps growing.
.DESCRIPTION
    A service that runs exports for weeks is one process. After each export the working set is read, as it is and after a full collection;
    the latter, at the end, must not be more than a tenth above what it was after the fifth, when everything has been loaded and compiled.
.PARAMETER Exports
    How many exports.
.PARAMETER Rows
    Profiles of each.
#>
[CmdletBinding()]
param(
    [ValidateRange(6, 10000)]
    [int] $Exports = 50,
    [long] $Rows = 200000
)
$ErrorActionPreference = 'Stop'
$root = Split-Path (Split-Path $PSScriptRoot)
$tool = Join-Path $root 'tests/CcExport.Benchmarks/bin/Release/net10.0/CcExport.Benchmarks.dll'
$work = Join-Path ([IO.Path]::GetTempPath()) "ccexport-soak-$([guid]::NewGuid().ToString('n'))"
$null = New-Item $work -ItemType Directory
$env:CCEXPORT_HOME = Join-Path $work 'home'

# Working set in MB: as it is, and when what nobody holds has been given back to the system.
function Get-Memory {
    $me = [Diagnostics.Process]::GetCurrentProcess()
    $asItIs = $me.WorkingSet64 / 1e6
    foreach ($time in 1..2) {
        [GC]::Collect(2, [GCCollectionMode]::Aggressive, $true, $true)
        [GC]::WaitForPendingFinalizers()
    }
    $me.Refresh()
    [pscustomobject]@{ AsItIs = $asItIs; Collected = $me.WorkingSet64 / 1e6; Heap = [GC]::GetTotalMemory($false) / 1e6; Handles = $me.HandleCount; Threads = $me.Threads.Count }
}

try {
    Import-Module (Join-Path $root 'out/CcExport/CcExport.psd1')
    $csv = Join-Path $work 'people.csv'
    dotnet $tool generate $Rows $csv
    $simulator = Start-CcSimulator
    $null = $simulator | New-CcConnection -AcceptDataPrivacy
    $null = Invoke-RestMethod "$($simulator.Url)admin/options" -Method Post -ContentType application/json -Body '{"rateLimit":"off","tokenRateLimit":false,"jobPerRowMicroseconds":0}'
    Set-CcExport Soak -Connection Simulator -ListId $simulator.ListId -Path $csv -Map @{ email = 'EMail'; first_name = 'FirstName'; last_name = 'LastName' }
    Write-Host ('{0} exports of {1:N0} profiles in this process; working set in MB' -f $Exports, $Rows)
    $all = foreach ($number in 1..$Exports) {
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $run = Invoke-CcExport Soak -WarningAction Ignore
        if ("$($run.Status)" -ne 'Completed') { throw "Export $number ended as $($run.Status): $($run.Message)" }
        $seconds = $clock.Elapsed.TotalSeconds
        $memory = Get-Memory
        Write-Host ('{0,4}  {1,6:N1} s  as it is {2,6:N1}  collected {3,6:N1}  managed heap {4,6:N1}  handles {5,4}  threads {6,3}' -f
            $number, $seconds, $memory.AsItIs, $memory.Collected, $memory.Heap, $memory.Handles, $memory.Threads)
        $memory
    }
    # The middle of three: one reading may fall into a moment when something is just being compiled.
    function Middle($Some) { ($Some.Collected | Sort-Object)[1] }
    $fifth = Middle $all[3..5]
    $last = Middle $all[-3..-1]
    $growth = $last / $fifth
    Write-Host ('After the fifth {0:N1} MB, at the end {1:N1} MB: {2:P1} more' -f $fifth, $last, ($growth - 1))
    if ($growth -gt 1.1) { Write-Host 'The memory grows.' -ForegroundColor Red; exit 1 }
}
finally {
    Stop-CcSimulator -ErrorAction Ignore
    Remove-Item $work -Recurse -Force -ErrorAction Ignore
}
