#Requires -Version 7.4
<#
.SYNOPSIS
    Measures Get-CcExport and Get-CcRun -Last 20 over a long history, in processes of their own that imported the module before.
.DESCRIPTION
    The first call of a command loads and compiles what it needs, so it is told apart from those after it. Fails when a later call takes longer than the
    limit: the fastest of a process (median of the processes), since what else the machine does can only add. All numbers are milliseconds.
.PARAMETER Runs
    Runs in the history.
.PARAMETER Exports
    Exports they were made by.
.PARAMETER Rounds
    Processes for each command, taking turns.
.PARAMETER Calls
    Calls in one process after the first.
.PARAMETER Module
    The manifest of the module to measure.
.PARAMETER LimitMs
    Milliseconds that a call may take.
#>
[CmdletBinding()]
param(
    [int] $Runs = 100000,
    [int] $Exports = 200,
    [int] $Rounds = 5,
    [int] $Calls = 15,
    [string] $Module,
    [double] $LimitMs = 100
)
$ErrorActionPreference = 'Stop'
$root = Split-Path (Split-Path $PSScriptRoot)
if (-not $Module) { $Module = Join-Path $root 'out/CcExport/CcExport.psd1' }
$tool = Join-Path $root 'tests/CcExport.Benchmarks/bin/Release/net10.0/CcExport.Benchmarks.dll'
$work = Join-Path ([IO.Path]::GetTempPath()) "ccexport-history-$([guid]::NewGuid().ToString('n'))"
$null = New-Item $work -ItemType Directory
$env:CCEXPORT_HOME = Join-Path $work 'home'
Remove-Item Env:CCEXPORT_STORE -ErrorAction Ignore
$candidate = Join-Path $PSScriptRoot 'HistoryCalls.ps1'
function Median([double[]] $Values) { $sorted = @($Values | Sort-Object); $sorted[[int][math]::Floor($sorted.Count / 2)] }
try {
    dotnet $tool history $env:CCEXPORT_HOME $Runs $Exports | Write-Host
    if ($LASTEXITCODE -ne 0) { throw 'The history could not be made.' }
    $results = @{}
    foreach ($round in 1..$Rounds) {
        foreach ($what in 'Exports', 'Runs') {
            $line = dotnet pwsh -NoProfile -NonInteractive -File $candidate $what $Module $Calls | Select-Object -Last 1
            if ($LASTEXITCODE -ne 0) { throw "$what failed: $line" }
            $measured = $line | ConvertFrom-Json
            $expected = if ($what -eq 'Exports') { $Exports } else { 20 }
            if ($measured.count -ne $expected) { throw "$what gave $($measured.count) objects, not $expected." }
            Write-Verbose "$round $what $line"
            $results[$what] += , $measured
        }
    }
    $slow = $false
    'Exports', 'Runs' | ForEach-Object {
        $fastest = $results[$_] | ForEach-Object { ($_.wall | Measure-Object -Minimum).Minimum }
        if ((Median $fastest) -gt $LimitMs) { $slow = $true }
        # Milliseconds. First and later calls; wall (median, fastest) and processor time.
        [pscustomobject]@{
            Command    = if ($_ -eq 'Exports') { 'Get-CcExport' } else { 'Get-CcRun -Last 20' }
            First      = '{0:N0}' -f (Median $results[$_].firstWall)
            FirstCpu   = '{0:N0}' -f (Median $results[$_].firstCpu)
            Later      = '{0:N1}' -f (Median ($results[$_] | ForEach-Object { Median $_.wall }))
            Fastest    = '{0:N1}' -f (Median $fastest)
            LaterCpu   = '{0:N1}' -f (Median $results[$_].cpu)
        }
    } | Format-Table -AutoSize | Out-Host
    if ($slow) { Write-Host "A call takes longer than $LimitMs ms." -ForegroundColor Red; exit 1 }
}
finally { Remove-Item $work -Recurse -Force -ErrorAction Ignore }
